//! `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.

use crate::bindings::kernel;
use crate::bindings::types::Response;
use crate::reply;
use postern_oidc::metadata;

pub(crate) fn handle() -> Response {
    reply::public_json(metadata(&kernel::base_url()))
}
