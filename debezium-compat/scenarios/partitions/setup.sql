CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE named (name text, kind char(2), PRIMARY KEY (name, kind));
INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 50) n;
INSERT INTO named SELECT 'name ' || n, 'é' FROM generate_series(1, 20) n;
