-- A label that is added while the connector runs; domains of mapped types.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'with,comma');
CREATE DOMAIN price AS numeric(10,2) NOT NULL;
CREATE DOMAIN free AS numeric;
CREATE DOMAIN code AS varchar(12) DEFAULT 'none';
CREATE DOMAIN numbers AS int[];
CREATE DOMAIN below AS price;
CREATE DOMAIN moment AS timestamp(3);
CREATE DOMAIN flags AS bit(4);
CREATE DOMAIN document AS jsonb;
CREATE TABLE moods (id int PRIMARY KEY, m mood, ms mood[], required mood NOT NULL DEFAULT 'ok');
INSERT INTO moods VALUES (1, 'sad', '{ok,sad}', 'sad'), (2, NULL, NULL, 'ok'), (3, 'with,comma', '{}', 'ok'), (4, 'ok', '{ok,NULL}', 'ok');
CREATE TABLE domains (id serial PRIMARY KEY, p price, f free, c code, n numbers, b below, t moment, fl flags, d document, ps price[], o oidvector, i2 int2vector);
INSERT INTO domains (p, f, c, n, b, t, fl, d, ps, o, i2) VALUES
    (12.34, 5.678, 'code', '{1,2,NULL}', 9.87, '2024-02-29 12:34:56.789', '1010', '{"a":1}', '{1.10}', '1 2', '1 2'),
    (0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL);
