UPDATE t SET tz = tz + interval '1 hour', ts = ts + interval '1 hour';
INSERT INTO u VALUES (2, '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999');
DELETE FROM t WHERE id < 3;
