-- When a session's person last showed that they are there. NULL in sessions of the release before: nobody knows.
ALTER TABLE sessions ADD COLUMN proven_at INTEGER;
