UPDATE t SET v = 'while walstreet hands back' WHERE id > 150;
