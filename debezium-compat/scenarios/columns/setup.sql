CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN price AS numeric(7,3);
CREATE TABLE people (
    id serial PRIMARY KEY, ssn char(11), name varchar(40), note text, required text NOT NULL, with_default text DEFAULT 'default', email text, amount numeric(10,2), free numeric,
    cost price, bin bytea, mood mood, ci citext, doc jsonb, u uuid, n int, tags text[], at timestamp(3), tz timestamptz, d date, tm time, bits bit(5), i interval, f float8
);
INSERT INTO people (ssn, name, note, required, with_default, email, amount, free, cost, bin, mood, ci, doc, u, n, tags, at, tz, d, tm, bits, i, f) VALUES
    ('123-45-6789', 'Žofia Long-Name', 'a longer note with ünïcödé', 'needed', 'given', 'a@b.c', 12.5, 1234.5, 9.87, '\x0102030405060708', 'happy', 'MixedCase', '{"a": "long"}',
     '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 77, '{a,b}', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+00', '2024-02-29', '12:34:56.5', '10101', '1 day', 1.5),
    ('x', '', 'ab', '', '', '', 0, 0, 0, '', 'sad', '', '{}', NULL, 0, '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 'a日本語🎉', repeat('x', 70000), '日本語🎉', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE other (t text, v varchar(10), id int PRIMARY KEY);
INSERT INTO other VALUES ('text', 'varchar', 1), (NULL, NULL, 2);
