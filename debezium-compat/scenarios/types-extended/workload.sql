-- The rows of the snapshot again, now streamed; then every table updated and emptied.
DO $$
DECLARE t text; columns text;
BEGIN
    FOREACH t IN ARRAY ARRAY['stores', 'extensions', 'shapes', 'systems'] LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
        FROM pg_attribute WHERE attrelid = t::regclass AND attnum > 1 AND NOT attisdropped;
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM %I ORDER BY id', t, columns, columns, t);
        EXECUTE format('UPDATE %I SET id = -id WHERE id = 1', t);
    END LOOP;
END $$;
-- Values too big for the row, which an update leaves alone.
INSERT INTO stores (id, h) SELECT 1000, hstore(array_agg(md5('k' || n)), array_agg(md5('v' || n))) FROM generate_series(1, 400) n;
UPDATE stores SET required = 'a=>b' WHERE id = 1000;
INSERT INTO shapes (id, po) SELECT 1000, polygon(1000, '<(0,0),1>'::circle);
UPDATE shapes SET p = '(0,0)' WHERE id = 1000;
DELETE FROM stores;
DELETE FROM extensions;
DELETE FROM shapes;
DELETE FROM systems;
