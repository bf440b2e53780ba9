-- The slots are there before the publications, which the connectors make themselves.
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE ignored (id int PRIMARY KEY);
