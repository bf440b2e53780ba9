-- In the order in which the rows lie, on every server.
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET synchronize_seqscans = off;
UPDATE transactions SET status = 'refunded' WHERE transaction_id <= (SELECT transaction_id FROM transactions ORDER BY transaction_id OFFSET 4999 LIMIT 1);
