INSERT INTO t VALUES (13, 'after another one'); DELETE FROM t WHERE id < 5;
