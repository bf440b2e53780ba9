-- Nothing that is captured, and heartbeats all the same.
INSERT INTO beats VALUES ('nobody');
BEGIN;
CREATE TABLE nothing_in_a_transaction ();
COMMIT;
SELECT pg_sleep(1);
-- settle
INSERT INTO t VALUES (2, 'b');
