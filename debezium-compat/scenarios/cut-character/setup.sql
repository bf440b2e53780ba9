CREATE TABLE notes (id int PRIMARY KEY, t text);
INSERT INTO notes VALUES (1, '日本🎉'), (2, '日🎉x');
