INSERT INTO t VALUES (12, 'after');
