-- Which tables the stream carries. A superuser or the owner of the tables runs it once per database:
--
--   psql "$DATABASE_URL" --file sql/publication.sql
--
-- and the connector gets `publication.name=walstreet_pub` and `publication.autocreate.mode=disabled`: the publication is then
-- yours alone, and the role of the connector needs no right to create one.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = 'walstreet_pub') THEN
        -- One list of tables, not FOR ALL TABLES: that needs a superuser, and publishes tables nobody asked for.
        CREATE PUBLICATION walstreet_pub FOR TABLE public.transactions;
    END IF;
END
$$;

-- More tables later; rows of a table are streamed from the moment it is added:
--   ALTER PUBLICATION walstreet_pub ADD TABLE public.refunds;

-- What it publishes now, and how much of the old row each table lets it show:
SELECT p.schemaname, p.tablename,
       CASE c.relreplident
           WHEN 'f' THEN 'FULL: the whole old row'
           WHEN 'd' THEN 'DEFAULT: the primary key'
           WHEN 'i' THEN 'INDEX: the columns of an index'
           WHEN 'n' THEN 'NOTHING: updates and deletes fail while the table is published'
       END AS replica_identity
FROM pg_catalog.pg_publication_tables AS p
JOIN pg_catalog.pg_namespace AS n ON n.nspname = p.schemaname
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
WHERE p.pubname = 'walstreet_pub'
ORDER BY p.schemaname, p.tablename;
