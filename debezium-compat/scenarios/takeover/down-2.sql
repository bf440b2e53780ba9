INSERT INTO t SELECT n, 'while down' FROM generate_series(100, 200) n;
UPDATE t SET id = 1000 WHERE id = 100;
DELETE FROM t WHERE id = 11;
