CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy');
CREATE TABLE everything (
    id serial, part text, b boolean, s smallint NOT NULL DEFAULT -3, i int DEFAULT 7, l bigint DEFAULT 9007199254740993, r real DEFAULT 2.5, f float8, n numeric(10,2) DEFAULT 1.50, free numeric,
    t text DEFAULT 'a "quoted" default', c char(5), y bytea, u uuid, j jsonb, m mood DEFAULT 'so so', ms mood[], d date, tm time, ts timestamp, ts3 timestamp(3), tz timestamptz,
    iv interval, ia int[], ta text[], p point, h hstore, bits bit(5), flag bit(1), x xml, ip inet, ltd date DEFAULT '2024-02-29',
    PRIMARY KEY (part, id)
);
INSERT INTO everything (part, b, f, free, c, y, u, j, m, ms, d, tm, ts, ts3, tz, iv, ia, ta, p, h, bits, flag, x, ip) VALUES
    ('snapshot', true, 'NaN', 12345678901234567890.12345, 'ab', '\x00ff10', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', '{"a": [1, null]}', 'happy', '{sad,"so so"}', '2024-02-29', '12:34:56.789',
     '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012+00', '1 day 02:03:04', '{1,NULL,-3}', '{a,NULL,""}', '(1.5,-2)', 'a=>1, b=>NULL, "k k"=>"v"', '10101', '1',
     '<a/>', '10.0.0.1/24'),
    ('snapshot', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE keyless (v text);
ALTER TABLE keyless REPLICA IDENTITY FULL;
INSERT INTO keyless VALUES ('s'), (NULL);
