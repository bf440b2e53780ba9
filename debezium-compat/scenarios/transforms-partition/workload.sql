UPDATE p SET s = s || '!' WHERE id % 3 = 0;
DELETE FROM p WHERE id % 5 = 0;
SELECT pg_logical_emit_message(true, 'p', 'content');
