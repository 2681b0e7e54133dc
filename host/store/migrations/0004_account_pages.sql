-- Failures in a row of a further factor of a person.
CREATE TABLE factor_failures (
    subject       TEXT    NOT NULL,
    authenticator TEXT    NOT NULL,
    count         INTEGER NOT NULL,
    PRIMARY KEY (subject, authenticator)
) STRICT, WITHOUT ROWID;

-- The authenticators that did the steps of a sign-in.
ALTER TABLE sessions ADD COLUMN authenticators TEXT NOT NULL DEFAULT '[]';

-- What the browser said of itself, and where from the session was last signed in to. Empty in sessions of
-- the release before.
ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
