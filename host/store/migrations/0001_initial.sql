-- Times are seconds since 1970-01-01T00:00:00Z. Fingerprints are SHA-256 of a bearer's secret.

CREATE TABLE users (
    subject       TEXT    NOT NULL PRIMARY KEY,
    -- username.to_lowercase(), as Rust does it: SQLite folds ASCII only.
    username_key  TEXT    NOT NULL UNIQUE,
    username      TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    disabled      INTEGER NOT NULL,
    -- JSON: [{"name": …, "values": […]}, …]
    claims        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE applications (
    id         TEXT    NOT NULL PRIMARY KEY,
    module     TEXT    NOT NULL,
    identifier TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    settings   TEXT    NOT NULL,
    secret     BLOB,
    disabled   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (module, identifier)
) STRICT;

CREATE TABLE sessions (
    id               TEXT    NOT NULL PRIMARY KEY,
    secret           BLOB    NOT NULL UNIQUE,
    subject          TEXT    NOT NULL,
    username         TEXT    NOT NULL,
    authenticated_at INTEGER NOT NULL,
    context          TEXT    NOT NULL,
    -- JSON: […]
    methods          TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    last_used_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_subject ON sessions (subject);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE participants (
    session       TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    application   TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    session_index TEXT NOT NULL,
    PRIMARY KEY (session, application)
) STRICT, WITHOUT ROWID;
CREATE INDEX participants_by_index ON participants (session_index);
CREATE INDEX participants_by_application ON participants (application);

CREATE TABLE transactions (
    id         BLOB    NOT NULL PRIMARY KEY,
    browser    BLOB,
    data       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX transactions_by_expiry ON transactions (expires_at);

CREATE TABLE artifacts (
    module     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    -- NULL once it is taken.
    value      BLOB,
    grant_id   TEXT,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (module, key)
) STRICT;
CREATE INDEX artifacts_by_expiry ON artifacts (expires_at);

CREATE TABLE remembered (
    module     TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (module, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_by_expiry ON remembered (expires_at);

CREATE TABLE grants (
    module      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    application TEXT    NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    subject     TEXT    NOT NULL,
    session     TEXT    REFERENCES sessions (id) ON DELETE CASCADE,
    data        TEXT    NOT NULL,
    issued_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (module, id)
) STRICT;
CREATE INDEX grants_by_application ON grants (application);
CREATE INDEX grants_by_session ON grants (session) WHERE session IS NOT NULL;
CREATE INDEX grants_by_expiry ON grants (expires_at);
CREATE INDEX grants_by_subject ON grants (subject);

CREATE TABLE consents (
    subject     TEXT    NOT NULL,
    application TEXT    NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    item        TEXT    NOT NULL,
    given_at    INTEGER NOT NULL,
    PRIMARY KEY (subject, application, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_application ON consents (application);

-- One row for each second in which there was a failure: exact, and what a flood costs is bounded.
CREATE TABLE failures (
    key        TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_expiry ON failures (expires_at);

CREATE TABLE keys (
    key_id      TEXT    NOT NULL PRIMARY KEY,
    module      TEXT    NOT NULL,
    algorithm   TEXT    NOT NULL,
    spki        BLOB    NOT NULL,
    certificate BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    retired_at  INTEGER
) STRICT;
-- At most one active key for each module and algorithm.
CREATE UNIQUE INDEX keys_active ON keys (module, algorithm) WHERE retired_at IS NULL;
CREATE INDEX keys_by_retirement ON keys (retired_at) WHERE retired_at IS NOT NULL;

CREATE TABLE installation (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
