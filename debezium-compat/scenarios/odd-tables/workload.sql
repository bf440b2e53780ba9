INSERT INTO negative_scale VALUES (3, -1200, -0.000001);
INSERT INTO composite_key VALUES ((2, 'b'), 'v');
UPDATE composite_key SET v = 'w';
UPDATE composite_key SET k = (3, 'c') WHERE k = (2, 'b')::pair;
DELETE FROM composite_key;
UPDATE half_key SET id = 2;
DELETE FROM half_key;
INSERT INTO unlogged VALUES (2, 'not in the WAL');
INSERT INTO generated (id, a, c) VALUES (2, 6, 'd');
UPDATE generated SET a = 7 WHERE id = 1;
DELETE FROM generated WHERE id = 1;
DELETE FROM generated;
REFRESH MATERIALIZED VIEW kept;
INSERT INTO states VALUES (3, 'on', 'left', 'e''f', '{off,NULL}', '{right}', '{"c\"d","e''f"}');
DELETE FROM states;
UPDATE key_types SET t = '2024-03-01 00:00+00', n = 2.25, x = '\x01', f = 'NaN';
DELETE FROM key_types;
INSERT INTO partial_index VALUES (2, 2, 'v');
INSERT INTO including VALUES (2, 2);
INSERT INTO parent VALUES (2, 'p');
INSERT INTO child VALUES (2, 'c', 2);
UPDATE ONLY parent SET v = 'q';
DELETE FROM ONLY parent;
-- More rows in one transaction than any queue holds.
INSERT INTO many SELECT n, 'v' FROM generate_series(1, 3000) n;
UPDATE many SET v = 'w' WHERE id % 3 = 0;
-- Replicated from elsewhere: the origin is of the transaction and not of the next one.
SELECT pg_replication_origin_create(current_database()) \g /dev/null
SELECT pg_replication_origin_session_setup(current_database()) \g /dev/null
BEGIN;
SELECT pg_replication_origin_xact_setup('0/ABC', '2024-01-01 00:00+00') \g /dev/null
INSERT INTO parent VALUES (10, 'from elsewhere');
COMMIT;
SELECT pg_replication_origin_session_reset() \g /dev/null
INSERT INTO parent VALUES (11, 'from here');
SELECT pg_replication_origin_drop(current_database()) \g /dev/null
