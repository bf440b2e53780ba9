SELECT count(*) = :sides AND bool_and(NOT puballtables), 'a publication each' FROM pg_publication WHERE pubname <> 'judge';
SELECT count(*) = 0, 'without tables' FROM pg_publication_rel;
