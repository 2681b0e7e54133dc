//! OAuth 2.0: authorization and token requests, client authentication, PKCE
