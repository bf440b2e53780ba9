INSERT INTO t VALUES (3, 'three');
UPDATE t SET v = 'x';
DELETE FROM t WHERE id = 1;
