INSERT INTO cards VALUES ('4333', 3, 'Cid');
UPDATE cards SET holder = 'Bea' WHERE n = 2;
DELETE FROM cards WHERE n = 1;
