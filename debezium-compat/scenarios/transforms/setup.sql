CREATE TABLE orders_1 (id int PRIMARY KEY, v text);
CREATE TABLE orders_2 (id int PRIMARY KEY, v text);
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO orders_1 VALUES (1, 'a');
INSERT INTO orders_2 VALUES (1, 'b');
INSERT INTO customers VALUES (1, 'Ada');
