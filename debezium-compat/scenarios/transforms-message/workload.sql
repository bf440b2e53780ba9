SELECT pg_logical_emit_message(true, 'outbox', '{"id": 1, "aggregatetype": "order", "aggregateid": "42", "payload": {"amount": 1.5, "lines": [{"n": 1}, {"n": null}]}, "none": null}');
SELECT pg_logical_emit_message(false, 'other', '{"id": "a", "aggregatetype": "customer", "aggregateid": 7, "payload": "größe"}');
SELECT pg_logical_emit_message(true, 'outbox', '{"id": 1, "aggregatetype": "order", "aggregateid": "42", "payload": {"amount": 1.5, "lines": [{"n": 1}, {"n": null}]}, "none": null} and more');
