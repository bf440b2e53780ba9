INSERT INTO other_name VALUES (6);
INSERT INTO replaced VALUES ('d', 4);
INSERT INTO kept VALUES (1);
