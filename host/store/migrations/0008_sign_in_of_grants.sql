-- What did the steps of the sign-in that a grant came from, as JSON: authenticators, several, contexts, links.
-- NULL: of the release before, or of no sign-in.
ALTER TABLE grants ADD COLUMN signed_in TEXT;
