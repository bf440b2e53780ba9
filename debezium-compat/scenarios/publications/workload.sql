INSERT INTO a VALUES (3, 'z');
INSERT INTO "B b" VALUES (3, 'z');
INSERT INTO out VALUES (3);
UPDATE a SET v = 'w' WHERE id < 3;
DELETE FROM a WHERE id = 3;
TRUNCATE "B b";
-- settle
CREATE TABLE later (id int PRIMARY KEY);
INSERT INTO later VALUES (1);
INSERT INTO a VALUES (4, 'after the new table');
