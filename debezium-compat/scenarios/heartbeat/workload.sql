INSERT INTO t VALUES (2, 'b');
SELECT pg_sleep(1);
UPDATE t SET v = 'c';
SELECT pg_sleep(1);
DELETE FROM t WHERE id = 1;
