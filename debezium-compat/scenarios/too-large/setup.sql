CREATE TABLE texts (id int PRIMARY KEY, t text);
INSERT INTO texts VALUES (1, 'small'), (2, repeat('x', 50000)), (3, 'small');
