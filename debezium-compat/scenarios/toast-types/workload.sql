UPDATE scalars SET small = 1;
UPDATE arrays SET small = 1;
UPDATE scalars_full SET small = 1;
UPDATE scalars SET id = 10 WHERE id = 1;
UPDATE scalars_full SET x = NULL;
DELETE FROM scalars;
DELETE FROM arrays;
DELETE FROM scalars_full;
