CREATE TABLE t (id int PRIMARY KEY, v text DEFAULT 'dflt', n int, at timestamptz, price numeric(8,2) DEFAULT 1.50, b bytea, route text);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t VALUES (1, 'one', 1, '2024-02-29 12:00:00.5+00', 2.25, '\x01', NULL), (2, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE k (id int PRIMARY KEY, v text, route text);
INSERT INTO k VALUES (1, 'one', NULL);
CREATE TABLE nokey (a int, v text, route text);
ALTER TABLE nokey REPLICA IDENTITY FULL;
ALTER TABLE zz_sentinel ADD COLUMN route text;
