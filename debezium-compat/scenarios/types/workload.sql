-- The rows of the snapshot again, now streamed; then every table updated and emptied.
DO $$
DECLARE t text; columns text;
BEGIN
    FOREACH t IN ARRAY ARRAY['numbers', 'texts', 'times', 'times_beyond', 'nets', 'arrays'] LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
        FROM pg_attribute WHERE attrelid = t::regclass AND attnum > 1 AND NOT attisdropped;
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM %I ORDER BY id', t, columns, columns, t);
        EXECUTE format('UPDATE %I SET id = -id WHERE id = 1', t);
    END LOOP;
END $$;
INSERT INTO required SELECT 2, b, i2, i8, f4, f8, n, nf, cash, c, v, t, by, j, jb, u, e, d, tm, tz, ts, tstz, i, ip, bits, ai, at, p FROM required;
UPDATE required SET i8 = 7;
DELETE FROM required;
INSERT INTO defaults (id, changing, today, who) VALUES (3, '2024-01-01 00:00+00', '2024-01-01', 'ada');
INSERT INTO defaults SELECT 4, b, i2, i4, i8, f4, f8, n, nf, c, v, t, u, e, j, d, tm, tz, ts, tstz, i, changing, today, computed, who, ai FROM defaults WHERE id = 2;
UPDATE defaults SET t = 'changed';
DELETE FROM defaults;
ALTER TABLE numbers REPLICA IDENTITY FULL;
ALTER TABLE texts REPLICA IDENTITY FULL;
ALTER TABLE times REPLICA IDENTITY FULL;
DELETE FROM numbers;
DELETE FROM texts;
DELETE FROM times;
DELETE FROM nets;
DELETE FROM arrays;
