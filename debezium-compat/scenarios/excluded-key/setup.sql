CREATE TABLE cards (pan text, n int, holder text, PRIMARY KEY (pan, n));
INSERT INTO cards VALUES ('4111', 1, 'Ann'), ('4222', 2, 'Bob');
