-- An offset with seconds has no form in Debezium's ISO texts, and the column takes no null.
BEGIN;
INSERT INTO times VALUES (2, '10:00+01'), (3, '10:00+01:00:30'), (4, '10:00+01');
UPDATE times SET t = '11:00+01:00:30' WHERE id = 1;
UPDATE times SET t = '12:00+01' WHERE id = 3;
INSERT INTO seen VALUES (1, '10:00+01:00:30'), (2, '10:00+01');
UPDATE seen SET t = '10:00+01';
DELETE FROM seen WHERE id = 1;
COMMIT;
UPDATE times SET id = 40, t = '13:00+01:00:30' WHERE id = 4;
UPDATE times SET id = 20 WHERE id = 2;
DELETE FROM times WHERE id = 3;
