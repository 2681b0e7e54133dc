-- Which of a session's authenticators were several factors by themselves. Empty in sessions of the release
-- before: none was.
ALTER TABLE sessions ADD COLUMN several TEXT NOT NULL DEFAULT '[]';
