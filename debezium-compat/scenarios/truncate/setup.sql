CREATE TABLE parents (id int PRIMARY KEY, t text);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents);
CREATE TABLE others (t text);
INSERT INTO parents VALUES (1, 'a');
INSERT INTO children VALUES (1, 1);
INSERT INTO others VALUES ('x');
