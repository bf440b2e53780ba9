CREATE TABLE f (id int PRIMARY KEY, v text, note text, n numeric, f float8 DEFAULT 1, big text NOT NULL DEFAULT '', a int[]);
ALTER TABLE f REPLICA IDENTITY FULL;
ALTER TABLE f ALTER big SET STORAGE EXTERNAL;
CREATE TABLE d (id int PRIMARY KEY, note text);
CREATE TABLE k (v text, note text);
ALTER TABLE k REPLICA IDENTITY FULL;
INSERT INTO f VALUES (1, 'abc', 'x', 1.0, 1, repeat('b', 5000), '{1,NULL}'), (2, 'abd', 'y', NULL, NULL, '', NULL);
INSERT INTO d VALUES (1, 'x');
INSERT INTO k VALUES ('a', 'x');
