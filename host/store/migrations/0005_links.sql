-- Outside identities that are somebody's here: of this authenticator, from this issuer.
CREATE TABLE links (
    id            TEXT    NOT NULL UNIQUE,
    authenticator TEXT    NOT NULL,
    issuer        TEXT    NOT NULL,
    identity      TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    label         TEXT    NOT NULL,
    created       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (authenticator, issuer, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_subject ON links (subject, created_at, id);
