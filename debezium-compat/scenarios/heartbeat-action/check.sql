SELECT count(DISTINCT by_whom) = 3, 'both sides run the query' FROM beats;
