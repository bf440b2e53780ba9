INSERT INTO orders_1 VALUES (2, 'c');
INSERT INTO customers VALUES (2, 'Grace');
UPDATE orders_2 SET v = 'd';
UPDATE orders_1 SET id = 3 WHERE id = 2;
UPDATE customers SET id = 4 WHERE id = 1;
DELETE FROM orders_1;
DELETE FROM customers WHERE id = 2;
