-- One row a transaction.
INSERT INTO customers (name, email, balance) VALUES ('Linus', 'l@example.com', 12.34);
UPDATE customers SET balance = balance + 1 WHERE id = 3;
UPDATE customers SET email = NULL WHERE id = 3;
UPDATE customers SET name = name WHERE id = 3;
DELETE FROM customers WHERE id = 3;

-- Many rows, several tables, one transaction.
BEGIN;
INSERT INTO orders SELECT 'de', n, n % 3, 'row ' || n FROM generate_series(10, 40) n;
INSERT INTO audited SELECT * FROM orders WHERE region = 'de';
UPDATE customers SET balance = balance * 2;
UPDATE audited SET note = upper(note) WHERE number % 5 = 0;
DELETE FROM orders WHERE number % 7 = 0;
DELETE FROM audited WHERE number % 7 = 0;
COMMIT;

-- A row that is born, changes and dies in one transaction.
BEGIN;
INSERT INTO customers (id, name) VALUES (100, 'brief');
UPDATE customers SET balance = 5 WHERE id = 100;
DELETE FROM customers WHERE id = 100;
COMMIT;

-- Key changes: of one column, of all, of many rows, there and back.
UPDATE customers SET id = 200 WHERE id = 2;
UPDATE orders SET region = 'fr' WHERE number = 10;
UPDATE orders SET region = 'it', number = number + 1000, note = 'moved' WHERE number = 11;
UPDATE audited SET number = number + 1000 WHERE number BETWEEN 20 AND 25;
BEGIN;
UPDATE orders SET number = 5000 WHERE number = 12;
UPDATE orders SET number = 12 WHERE number = 5000;
COMMIT;

-- Savepoints: only what survives is seen.
BEGIN;
INSERT INTO customers (id, name) VALUES (300, 'kept');
SAVEPOINT a;
INSERT INTO customers (id, name) VALUES (301, 'lost');
SAVEPOINT b;
UPDATE customers SET name = 'also lost' WHERE id = 300;
ROLLBACK TO a;
INSERT INTO customers (id, name) VALUES (302, 'kept too');
SAVEPOINT c;
INSERT INTO customers (id, name) VALUES (303, 'kept at last');
RELEASE c;
COMMIT;

-- Nothing of these is seen.
BEGIN;
DELETE FROM audited;
ROLLBACK;
BEGIN;
SELECT txid_current();
COMMIT;

-- Two phases: seen at COMMIT PREPARED.
BEGIN;
INSERT INTO customers (id, name) VALUES (400, 'prepared');
PREPARE TRANSACTION :'DBNAME';
INSERT INTO customers (id, name) VALUES (401, 'between');
COMMIT PREPARED :'DBNAME';
BEGIN;
INSERT INTO customers (id, name) VALUES (402, 'never');
PREPARE TRANSACTION :'DBNAME';
ROLLBACK PREPARED :'DBNAME';

-- COPY and MERGE-like statements.
COPY customers (id, name, email, balance) FROM stdin;
500	Tab\there	\N	1.50
501	Zoë "quoted" \\ back	z@example.com	-3
\.
INSERT INTO customers (id, name) VALUES (500, 'x'), (502, 'new') ON CONFLICT (id) DO UPDATE SET name = excluded.name || '!';
WITH gone AS (DELETE FROM customers WHERE id = 501 RETURNING *) INSERT INTO customers SELECT id + 1000, name, email, balance FROM gone;
