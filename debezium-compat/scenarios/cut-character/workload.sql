INSERT INTO notes VALUES (3, '日本🎉'), (4, '日🎉x');
DELETE FROM notes;
