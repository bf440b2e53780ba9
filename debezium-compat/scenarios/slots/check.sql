SELECT count(*) = :sides AND bool_and(slot_name ~ '^4711[12]$'), 'slots with names of digits' FROM pg_replication_slots WHERE database = current_database();
SELECT count(*) = :sides AND bool_and(NOT puballtables), 'a publication of tables each' FROM pg_publication WHERE pubname <> 'judge';
SELECT count(*) = 2 * :sides AND bool_and(tablename IN ('t', 'zz_sentinel')), 'with the captured tables' FROM pg_publication_tables WHERE pubname <> 'judge';
SELECT relreplident = 'f', 'the replica identity that was asked for' FROM pg_class WHERE relname = 't';
