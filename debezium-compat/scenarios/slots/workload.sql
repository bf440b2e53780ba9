INSERT INTO t VALUES (1, 'a'), (2, 'b');
INSERT INTO ignored VALUES (1);
UPDATE t SET id = 3 WHERE id = 2;
DELETE FROM t WHERE id = 1;
