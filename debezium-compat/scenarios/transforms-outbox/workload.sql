INSERT INTO outbox VALUES ('11111111-1111-1111-1111-111111111113', 'order', '43', 'created', '"text"', '2024-02-29 12:00:00', 1, 0, 'acme');
INSERT INTO outbox VALUES ('11111111-1111-1111-1111-111111111114', 'customer', '44', 'created', '{"mixed": [1, "a"]}', '2024-02-29 12:00:00', 2, 0, 'acme');
INSERT INTO outbox VALUES ('11111111-1111-1111-1111-111111111115', 'order', '45', 'created', '{"only": [null, 1], "name with space": 1.0, "e": 1e3, "neg": -2147483649}', NULL, 2, 0, NULL);
UPDATE outbox SET type = 'changed' WHERE aggregateid = '43';
DELETE FROM outbox WHERE aggregateid = '44';
BEGIN; INSERT INTO outbox VALUES ('11111111-1111-1111-1111-111111111116', 'customer', '46', 'created', '{}', NULL, 1, 0, 'x'); DELETE FROM outbox WHERE aggregateid = '46'; COMMIT;
SELECT pg_logical_emit_message(true, 'p', 'content');
