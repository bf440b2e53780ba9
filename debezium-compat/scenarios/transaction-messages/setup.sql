CREATE TABLE accounts (id int PRIMARY KEY, balance numeric(10, 2));
INSERT INTO accounts VALUES (1, 10.00);
