INSERT INTO people (ssn, name, note, required, with_default, email, amount, free, cost, bin, mood, ci, doc, u, n, tags, at, tz, d, tm, bits, i, f)
    SELECT ssn, name, note, required, with_default, email, amount, free, cost, bin, mood, ci, doc, u, n, tags, at, tz, d, tm, bits, i, f FROM people ORDER BY id;
INSERT INTO people (note, required) SELECT string_agg(md5(n::text), ''), 'big' FROM generate_series(1, 400) n;
UPDATE people SET required = 'small' WHERE required = 'big';
UPDATE people SET id = -id WHERE id = 1;
DELETE FROM people;
INSERT INTO other VALUES ('more', 'words', 3);
UPDATE other SET v = 'changed';
DELETE FROM other;
