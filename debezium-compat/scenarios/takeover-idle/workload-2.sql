INSERT INTO t VALUES (12, 'after the restart'); UPDATE t SET v = 'x' WHERE id < 3;
