SELECT count(*) = 0, 'no transaction stays open after the snapshot' FROM pg_stat_activity WHERE datname = current_database() AND xact_start < now() - interval '1 s';
