INSERT INTO a VALUES (30, 'while down'); UPDATE a SET v = 'w' WHERE id = 30;
