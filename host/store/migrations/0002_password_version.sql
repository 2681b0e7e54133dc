-- How often the password was set: what device cookies are bound to.
ALTER TABLE users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;
