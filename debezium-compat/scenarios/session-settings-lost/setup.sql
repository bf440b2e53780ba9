-- Defaults of the database that reach Debezium's own sessions and change what it reads.
ALTER DATABASE :"DBNAME" SET IntervalStyle = 'sql_standard';
ALTER DATABASE :"DBNAME" SET extra_float_digits = -5;
CREATE TABLE t (id serial PRIMARY KEY, i interval, f4 real, f8 float8, f8s float8[], p point, d_i interval DEFAULT '1 day 02:00');
INSERT INTO t (i, f4, f8, f8s, p) VALUES ('1 year 2 mons', 3.4028235e38, 0.30000000000000004, '{0.1,0.30000000000000004}', '(0.1,0.30000000000000004)'), ('-1 year +3 days -04:05:06.7', 0.1, 0.1, '{}', NULL);
