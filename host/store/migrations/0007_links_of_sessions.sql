-- The links that did steps of a session's sign-in. Empty in sessions of the release before.
ALTER TABLE sessions ADD COLUMN links TEXT NOT NULL DEFAULT '[]';
