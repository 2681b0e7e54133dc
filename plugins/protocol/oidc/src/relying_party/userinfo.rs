//! What the UserInfo endpoint answers (OpenID Connect Core section 5.3).

use postern_jose::json::{Object, Value, read_object};
use postern_refusal::Refusal;

/// Largest answer, in bytes.
pub const MAX_USERINFO: usize = 65_536;

/// Judges an answer: plain JSON about the person of the ID token. Signed and encrypted answers are not asked
/// for.
///
/// # Errors
/// `oidc.userinfo.status`, `oidc.userinfo.media-type`, `oidc.userinfo.too-long`, the `json.…` codes,
/// `oidc.userinfo.subject` (section 5.3.4: whose answer it is has to be compared, or another's is taken).
pub fn judge_userinfo(
    status: u16,
    content_type: &str,
    body: &[u8],
    subject: &str,
) -> Result<Object, Refusal> {
    if status != 200 {
        return Err(Refusal::misbehaved("oidc.userinfo.status").expected("200").found(&status.to_string()));
    }
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::incompatible("oidc.userinfo.media-type")
            .at("content-type")
            .expected("application/json")
            .found(content_type));
    }
    if body.len() > MAX_USERINFO {
        return Err(Refusal::misbehaved("oidc.userinfo.too-long").expected("65,536 bytes at most"));
    }
    let claims = read_object("userinfo", body)?;
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(Refusal::misbehaved("oidc.userinfo.subject").at("sub").expected("that of the ID token"));
    }
    Ok(claims)
}
