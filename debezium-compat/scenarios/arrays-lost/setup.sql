-- Elements of arrays that Debezium loses or changes.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE numbers (id serial PRIMARY KEY, n numeric[]);
INSERT INTO numbers (n) VALUES ('{NaN,1}'), ('{Infinity}'), ('{-Infinity,NULL}'), ('{1.50}');
CREATE TABLE times (id serial PRIMARY KEY, ts timestamp[], tstz timestamptz[], timetz timetz[]);
INSERT INTO times (ts, tstz, timetz) VALUES
    ('{"0044-03-15 01:02:03.5 BC"}', '{"0044-03-15 01:02:03.5+00 BC"}', '{12:00:00.5+02,12:00:00+02}'), ('{"1582-10-04 12:00"}', '{"4713-01-02 00:00+00 BC"}', NULL), (NULL, '{-infinity,infinity}', NULL);
CREATE TABLE nested (id serial PRIMARY KEY, t text[], u uuid[], j jsonb[], v varchar(3)[], e mood[]);
INSERT INTO nested (t, u, j, v) VALUES ('{{a,b},{c,d}}', '{{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}}', ARRAY[ARRAY['1'::jsonb]], '{{{a}}}');
