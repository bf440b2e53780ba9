-- Values that functions compute differ in each run of the SQL but are one row to both connectors.
INSERT INTO numbers DEFAULT VALUES;
UPDATE numbers SET i1 = NULL, sm = NULL, b1 = NULL, f1 = NULL, f3 = NULL, n1 = NULL, n2 = NULL, n5 = NULL, m1 = NULL, p = NULL, bo1 = NULL, bo2 = NULL, i5 = NULL;
DELETE FROM numbers;
DELETE FROM texts;
INSERT INTO times (id) VALUES (1);
UPDATE times SET d1 = NULL, d2 = NULL, t1 = NULL, t2 = NULL, tz1 = NULL, ts1 = NULL, ts2 = NULL, z1 = NULL, z2 = NULL, i1 = NULL, i5 = NULL;
DELETE FROM times;
