-- Tables that are dropped or renamed while nobody reads: when their changes are read, the catalog no longer knows them by that name.
CREATE TABLE dropped (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x', n numeric(5, 2));
CREATE TABLE renamed (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x');
CREATE TABLE replaced (id int PRIMARY KEY, v text);
CREATE TABLE kept (id int PRIMARY KEY);
INSERT INTO dropped VALUES (1);
INSERT INTO renamed VALUES (1), (2);
INSERT INTO replaced VALUES (1, 'a');
