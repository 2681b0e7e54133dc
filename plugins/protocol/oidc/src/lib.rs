//! OpenID Connect: ID tokens, claims, discovery, logout
