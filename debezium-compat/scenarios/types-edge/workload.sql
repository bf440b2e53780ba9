-- The rows of the snapshot again, now streamed; then every table updated, rewritten under a full identity and emptied.
DO $$
DECLARE t text; columns text;
BEGIN
    FOREACH t IN ARRAY ARRAY['numerics', 'special_numerics', 'floats', 'times', 'intervals', 'money_and_bits', 'texts', 'ranges', 'nets', 'nested'] LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
        FROM pg_attribute WHERE attrelid = t::regclass AND attnum > 1 AND NOT attisdropped;
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM %I ORDER BY id', t, columns, columns, t);
    END LOOP;
END $$;
UPDATE required_more SET id = 2;
DELETE FROM required_more;
ALTER TABLE times REPLICA IDENTITY FULL;
ALTER TABLE floats REPLICA IDENTITY FULL;
DELETE FROM times;
DELETE FROM floats;
DELETE FROM texts;
DELETE FROM intervals;
DELETE FROM special_numerics;
