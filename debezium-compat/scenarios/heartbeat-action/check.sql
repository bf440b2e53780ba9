SELECT count(DISTINCT by_whom) = 1 + :sides, 'both sides run the query' FROM beats;
