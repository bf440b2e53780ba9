INSERT INTO t VALUES (1);
SELECT pg_logical_emit_message(true, 'outbox', '{"id": 1}');
BEGIN;
INSERT INTO t VALUES (2);
SELECT pg_logical_emit_message(true, 'outbox', '{"id": 2}');
UPDATE t SET id = 3 WHERE id = 2;
COMMIT;
SELECT pg_logical_emit_message(false, 'audit', '\x00ff'::bytea);
