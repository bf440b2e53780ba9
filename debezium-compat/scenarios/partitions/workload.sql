INSERT INTO t SELECT n, 'v' || n FROM generate_series(51, 300) n;
-- One row after the other: where updated rows lie, and so the order of one statement's changes, is the server's affair.
DO $$
DECLARE n int;
BEGIN
    FOR n IN SELECT id FROM t WHERE id % 3 = 0 ORDER BY id LOOP UPDATE t SET v = v || '!' WHERE id = n; END LOOP;
    FOR n IN SELECT id FROM t WHERE id % 10 = 0 ORDER BY id LOOP UPDATE t SET id = id + 1000 WHERE id = n; END LOOP;
    FOR n IN SELECT id FROM t WHERE id % 4 = 0 ORDER BY id LOOP DELETE FROM t WHERE id = n; END LOOP;
END
$$;
INSERT INTO named SELECT md5(n::text), 'x' FROM generate_series(1, 100) n;
DELETE FROM named WHERE kind = 'é';
