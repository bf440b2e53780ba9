INSERT INTO t VALUES (13, 'after a restart in silence');
DELETE FROM t WHERE id < 5;
