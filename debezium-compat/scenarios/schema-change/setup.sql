-- Tables that change while both connectors stream. Each has rows from before the snapshot and a replica identity of its own.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN price AS numeric(7,2);
CREATE DOMAIN cost AS numeric(7,2);
CREATE TABLE widened (id int PRIMARY KEY, v text);
CREATE TABLE narrowed (id int PRIMARY KEY, v text, gone text NOT NULL DEFAULT 'x', last int);
CREATE TABLE renamed_column (id int PRIMARY KEY, before_name text);
CREATE TABLE retyped (id int PRIMARY KEY, n int, t varchar(5), d date, s smallint NOT NULL, e text);
CREATE TABLE redefaulted (id int PRIMARY KEY, n int DEFAULT 1, t text, required int NOT NULL);
CREATE TABLE renullable (id int PRIMARY KEY, a int, b int NOT NULL);
CREATE TABLE rekeyed (a int PRIMARY KEY, b int NOT NULL, c int NOT NULL);
CREATE TABLE unkeyed (id int PRIMARY KEY, v text);
CREATE TABLE keyed_later (id int NOT NULL, v text);
CREATE TABLE renamed (id int PRIMARY KEY, v text);
CREATE TABLE replaced (id int PRIMARY KEY, v text);
CREATE TABLE moods (id int PRIMARY KEY, m mood, ms mood[]);
CREATE TABLE prices (id int PRIMARY KEY, p price, ps cost[]);
CREATE TABLE full_image (id int PRIMARY KEY, v text, n int);
ALTER TABLE full_image REPLICA IDENTITY FULL;
CREATE TABLE big (id int PRIMARY KEY, v text, n int);
CREATE TABLE shrinking (id int PRIMARY KEY, a int, b int);
CREATE TABLE moved (id int PRIMARY KEY, v text);
CREATE SCHEMA other;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['widened', 'renamed_column', 'unkeyed', 'keyed_later', 'renamed', 'replaced', 'full_image', 'moved'] LOOP
        EXECUTE format('INSERT INTO %I VALUES (1, ''one''), (2, ''two'')', t);
    END LOOP;
END $$;
INSERT INTO narrowed VALUES (1, 'v', 'g', 1), (2, 'v', 'g', 2);
INSERT INTO retyped VALUES (1, 5, 'abc', '2024-02-29', 1, 'ok'), (2, NULL, NULL, NULL, 2, NULL);
INSERT INTO redefaulted VALUES (1, NULL, NULL, 1), (2, 2, 'two', 2);
INSERT INTO renullable VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO rekeyed VALUES (1, 10, 100), (2, 20, 200);
INSERT INTO moods VALUES (1, 'sad', '{ok}');
INSERT INTO prices VALUES (1, 1.50, '{1.25}');
INSERT INTO big SELECT n, (SELECT string_agg(md5(n || '-' || i), '') FROM generate_series(1, 400) i), n FROM generate_series(1, 3) n;
INSERT INTO shrinking VALUES (1, 1, 1);
