-- What Kafka refuses because of its size is left out, what stands beside it is not.
INSERT INTO texts VALUES (4, 'small'), (5, repeat('x', 50000)), (6, 'small');
UPDATE texts SET t = repeat('y', 50000) WHERE id = 1;
UPDATE texts SET t = 'small' WHERE id = 5;
DELETE FROM texts WHERE id = 2;
