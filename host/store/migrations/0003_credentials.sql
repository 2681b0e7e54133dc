-- What authenticators keep about people, sealed. Subjects may be of any user store: no reference to users.
CREATE TABLE credentials (
    id            TEXT    NOT NULL PRIMARY KEY,
    authenticator TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    sealed        BLOB    NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_by_subject ON credentials (subject, authenticator, created_at, id);

-- JSON: […]. The contexts of all steps of the sign-in.
ALTER TABLE sessions ADD COLUMN contexts TEXT NOT NULL DEFAULT '[]';
