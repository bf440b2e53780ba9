CREATE TABLE d (id numeric(20,4) PRIMARY KEY, whole numeric(5), free numeric, precise numeric(38,10) NOT NULL DEFAULT 12.50, small numeric(6,6) DEFAULT -0.5,
                money money, list numeric(8,2)[]);
INSERT INTO d VALUES (1, 5, 7, 1, 0.1, 12.34, '{1.5,NULL,-2}'), (-0.0001, NULL, 1e-20, -99999999999999999999999999.0000000001, 0.000001, -0.01, NULL);
CREATE TABLE two (a numeric(4,0), b numeric, c int, PRIMARY KEY (a, b));
INSERT INTO two VALUES (1, 1.10, 1), (2, 1e30, 2);
