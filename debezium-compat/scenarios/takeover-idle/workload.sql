INSERT INTO t VALUES (11, 'before');
UPDATE t SET v = 'w';
