CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT n, 'v' FROM generate_series(1, 10) n;
