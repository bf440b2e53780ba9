INSERT INTO everything (part, b, f, free, c, y, u, j, m, ms, d, tm, ts, ts3, tz, iv, ia, ta, p, h, bits, flag, x, ip)
    SELECT 'streamed', b, f, free, c, y, u, j, m, ms, d, tm, ts, ts3, tz, iv, ia, ta, p, h, bits, flag, x, ip FROM everything ORDER BY id;
INSERT INTO everything (part, i, n, t, m, l, r, ltd, f) VALUES ('ünïcödé 🎉', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '-Infinity');
UPDATE everything SET i = i + 1, n = -0.01;
UPDATE everything SET part = 'moved' WHERE id = 1;
DELETE FROM everything WHERE part = 'streamed';
INSERT INTO keyless VALUES ('x');
UPDATE keyless SET v = 'y';
DELETE FROM keyless;
ALTER TABLE keyless ADD COLUMN more int DEFAULT 5;
INSERT INTO keyless VALUES ('z', NULL), ('z', 6);
SELECT pg_sleep(1);
