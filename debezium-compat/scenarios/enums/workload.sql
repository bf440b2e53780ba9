INSERT INTO moods SELECT id + 10, m, ms, required FROM moods ORDER BY id;
ALTER TYPE mood ADD VALUE 'later' BEFORE 'ok';
INSERT INTO moods VALUES (20, 'later', '{later}', 'later');
ALTER TABLE moods ADD COLUMN note text;
INSERT INTO moods VALUES (21, 'later', '{later,sad}', 'later', 'described anew');
DELETE FROM moods;
INSERT INTO domains (p, f, c, n, b, t, fl, d, ps, o, i2) SELECT p, f, c, n, b, t, fl, d, ps, o, i2 FROM domains ORDER BY id;
DELETE FROM domains;
