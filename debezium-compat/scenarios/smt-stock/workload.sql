INSERT INTO things (id, name, secret, d, d2, r, n, num, num2, bool, ts, ts2, ts3, ts4, written, seconds, day, old, big, price)
  VALUES (3, 'Grace', '', -0.0, 1e300, 'NaN', 0.00, '-7', '.5', 'nope', '2000-01-01', '0044-03-15', '2000-01-01 00:00:01', '1970-01-01', '2024-13-45 25:61:61.001', -1, '1970-01-01', '1500-02-28', -129, -0.01);
UPDATE things SET name = 'A', opt = 'o' WHERE id = 1;
UPDATE things SET id = 10 WHERE id = 1;
DELETE FROM things WHERE id = 3;
INSERT INTO unkeyed VALUES (2, 'y');
UPDATE unkeyed SET b = 'z' WHERE a = 1;
DELETE FROM unkeyed WHERE a = 2;
TRUNCATE unkeyed;
