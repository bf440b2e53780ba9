UPDATE transactions SET status = 'refunded' WHERE transaction_id IN (SELECT transaction_id FROM transactions ORDER BY transaction_id LIMIT 5000);
