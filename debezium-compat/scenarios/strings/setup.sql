CREATE TABLE odd (id int PRIMARY KEY, by bytea NOT NULL, many bytea[], n numeric(5,2), ints int[]);
CREATE TABLE days (id int PRIMARY KEY, d date NOT NULL, t time, ts timestamp, tstz timestamptz);
-- The key of a delete holds the bytes and not what stands in for them, which is another class in Java.
ALTER TABLE odd REPLICA IDENTITY FULL;
INSERT INTO odd VALUES (1, '\x010203', '{"\\\\x01","\\\\x0203"}', 1.50, '{1,NULL}');
INSERT INTO days VALUES (1, '2024-02-29', '13:14:15.123456', '2024-02-29 13:14:15.123456', '2024-02-29 13:14:15.1+02');
