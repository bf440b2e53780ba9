INSERT INTO t VALUES (1);
-- A commit that waits some seconds for a standby: the server sends the transaction, and nobody sees it.
ALTER SYSTEM SET synchronous_standby_names = 'nobody';
SELECT pg_reload_conf();
SELECT pg_sleep(1);
ALTER SYSTEM RESET synchronous_standby_names;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; (sleep 4; kill -HUP $(head -1 postmaster.pid)) > /dev/null 2>&1 &';
BEGIN;
CREATE TABLE born (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x');
INSERT INTO born VALUES (1), (2);
COMMIT;
INSERT INTO born VALUES (3);
UPDATE born SET v = 'y' WHERE id = 1;
