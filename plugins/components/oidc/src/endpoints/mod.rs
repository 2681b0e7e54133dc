//! One endpoint, one file.

pub(crate) mod authorize;
pub(crate) mod discovery;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod logout;
mod parameters;
pub(crate) mod register;
pub(crate) mod revoke;
mod revoked_token;
pub(crate) mod token;
mod token_for_code;
mod token_for_refresh;
pub(crate) mod userinfo;
