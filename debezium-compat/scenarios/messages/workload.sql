-- A message outside a transaction shows the time of the transaction before it, so there is one first.
INSERT INTO accounts VALUES (2, 20.00);
SELECT pg_logical_emit_message(false, 'audit', 'outside a transaction');
BEGIN;
UPDATE accounts SET balance = 11.00 WHERE id = 1;
SELECT pg_logical_emit_message(true, 'audit', 'inside a transaction');
SELECT pg_logical_emit_message(true, 'bytes "quoted" ünï', '\x00ff10'::bytea);
UPDATE accounts SET balance = 12.00 WHERE id = 1;
COMMIT;
BEGIN;
SELECT pg_logical_emit_message(true, 'audit', 'rolled back');
SELECT pg_logical_emit_message(false, 'audit', 'outside, from a transaction that rolls back');
ROLLBACK;
SELECT pg_logical_emit_message(true, 'audit', 'a transaction of its own');
SELECT pg_logical_emit_message(true, '', '');
