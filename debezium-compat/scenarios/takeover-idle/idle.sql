-- WAL, but no change that is published; the records of the checkpoints follow the last commit.
CHECKPOINT;
SELECT pg_sleep(1.5);
CREATE UNLOGGED TABLE noise AS SELECT n FROM generate_series(1, 1000) n;
SELECT pg_sleep(1);
CHECKPOINT;
SELECT pg_sleep(1.5);
