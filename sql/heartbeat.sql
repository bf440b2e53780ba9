-- A table for `heartbeat.action.query`. The owner of the published tables runs it once per database, if it is needed at all:
--
--   psql "$DATABASE_URL" --file sql/heartbeat.sql
--
-- When: the published tables are quiet while other tables or databases of the same server are busy, and the slot holds back
-- more and more WAL. A row of our own in the stream, written every few seconds, lets the slot move on.
--
--   heartbeat.interval.ms=10000
--   heartbeat.action.query=INSERT INTO public.walstreet_heartbeat (id, beat_at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = EXCLUDED.beat_at

-- One row for ever: the table does not grow.
CREATE TABLE IF NOT EXISTS public.walstreet_heartbeat (
    id      integer PRIMARY KEY CHECK (id = 1),
    beat_at timestamptz NOT NULL
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'walstreet') THEN
        GRANT SELECT, INSERT, UPDATE ON public.walstreet_heartbeat TO walstreet;
    END IF;
    -- Only what is published makes the stream move.
    IF EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = 'walstreet_pub')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_tables
                       WHERE pubname = 'walstreet_pub' AND schemaname = 'public' AND tablename = 'walstreet_heartbeat') THEN
        ALTER PUBLICATION walstreet_pub ADD TABLE public.walstreet_heartbeat;
    END IF;
END
$$;

-- How much WAL each slot holds back:
SELECT slot_name, active, confirmed_flush_lsn,
       pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) AS held_back
FROM pg_catalog.pg_replication_slots
ORDER BY slot_name;
