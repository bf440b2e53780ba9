CREATE TABLE a (id int PRIMARY KEY, v text);
CREATE TABLE "B b" (id int PRIMARY KEY, v text);
CREATE TABLE out (id int PRIMARY KEY);
INSERT INTO a VALUES (1, 'x'), (2, 'y');
INSERT INTO "B b" VALUES (1, 'x');
INSERT INTO out VALUES (1);
