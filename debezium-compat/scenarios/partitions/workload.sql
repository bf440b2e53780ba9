INSERT INTO t SELECT n, 'v' || n FROM generate_series(51, 300) n;
UPDATE t SET v = v || '!' WHERE id % 3 = 0;
UPDATE t SET id = id + 1000 WHERE id % 10 = 0;
DELETE FROM t WHERE id % 4 = 0;
INSERT INTO named SELECT md5(n::text), 'x' FROM generate_series(1, 100) n;
DELETE FROM named WHERE kind = 'é';
