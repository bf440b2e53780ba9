-- Both fetch it with the first of these, and not again: the slots begin as copies of each other, but each moves by itself.
INSERT INTO accounts VALUES (2, 20);
BEGIN;
UPDATE accounts SET balance = 11 WHERE id = 1;
SELECT pg_logical_emit_message(true, 'audit', 'inside a transaction');
DELETE FROM accounts WHERE id = 2;
COMMIT;
SELECT pg_logical_emit_message(false, 'audit', 'outside a transaction');
INSERT INTO accounts VALUES (3, 30);
