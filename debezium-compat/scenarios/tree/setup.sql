-- Every form of value, and every form of record, on the way through trees.
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'very happy');
CREATE TABLE numbers (
    id int PRIMARY KEY, b bool, i2 smallint DEFAULT 7, i8 bigint, f4 real, f8 double precision DEFAULT 1.5, n numeric(9,3), n_free numeric, m money,
    i2_not_null smallint NOT NULL DEFAULT 3
);
CREATE TABLE texts (
    id int, v varchar(10) DEFAULT 'x', t text, by bytea, j jsonb, u uuid, e mood, h hstore, bits bit(9), PRIMARY KEY (id, v)
);
CREATE TABLE times (
    id int PRIMARY KEY, d date, t time, tz timetz, ts timestamp DEFAULT '2024-01-02 03:04:05', tstz timestamptz, i interval
);
CREATE TABLE arrays (id int PRIMARY KEY, ai int[], at text[], an numeric(6,2)[], p point, r int4range);
CREATE TABLE keyless (a int, b text);
ALTER TABLE texts REPLICA IDENTITY FULL;
CREATE FUNCTION big(seed text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT string_agg(md5(seed || n), '') FROM generate_series(1, 400) n $$;
INSERT INTO numbers VALUES (1, true, NULL, -1, 1.5, NULL, 12.345, 1e40, 1.25, 4), (2, NULL, 1, NULL, 'NaN', 'Infinity', NULL, -0.001, NULL, 5);
INSERT INTO texts VALUES (1, 'a', E'tab\t "quoted" 🎉', '\x00ff', '{"a": [1, null]}', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'sad', 'a=>1,b=>NULL', B'101010101');
INSERT INTO times VALUES (1, '2024-02-29', '13:14:15.123456', '13:14:15+02', '2024-02-29 13:14:15.123456', '2024-02-29 13:14:15.1+02', '1 day 2 hours');
INSERT INTO times (id) VALUES (2);
INSERT INTO arrays VALUES (1, '{1,NULL,3}', '{a,"b c"}', '{1.25,-3}', '(1,2)', '[1,5)');
INSERT INTO arrays (id) VALUES (2);
INSERT INTO keyless VALUES (1, 'a');
