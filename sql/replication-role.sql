-- A role that may read the stream and the tables, and nothing else. A superuser runs it once per database:
--
--   psql "$DATABASE_URL" --file sql/replication-role.sql
--
-- then gives it a password (psql's \password keeps it out of the server's log):
--
--   \password walstreet
--
-- The server needs, in postgresql.conf (the first one takes a restart):
--
--   wal_level = logical
--   max_replication_slots = 10            one a connector and spare ones
--   max_wal_senders = 10                  the same
--   max_slot_wal_keep_size = 50GB         what a connector that stays away may cost in disk before its slot is given up
--
-- and in pg_hba.conf a line for the database itself; `replication` in the database column is for physical replication only:
--
--   hostssl  financial_db  walstreet  10.0.0.0/8  scram-sha-256

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'walstreet') THEN
        CREATE ROLE walstreet LOGIN REPLICATION;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO walstreet', current_database());
END
$$;

-- For the initial snapshot, and for reading column types and keys.
GRANT USAGE ON SCHEMA public TO walstreet;
GRANT SELECT ON public.transactions TO walstreet;

-- Only if the connector shall create its publication itself (`publication.autocreate.mode=filtered`): it must then own
-- the tables and may create objects in the database. The rest of us run sql/publication.sql instead.
--   GRANT CREATE ON DATABASE financial_db TO walstreet;
--   GRANT owner_of_the_tables TO walstreet;
