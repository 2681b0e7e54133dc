//! The administrator's token: made on first start, written to a file for its owner alone. The
//! store has its fingerprint only.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use postern_kernel::randomness::{fingerprint, secret};
use postern_kernel::services::Installation;
use postern_kernel::unavailable::Unavailable;
use subtle::ConstantTimeEq as _;

use super::{Management, api};

/// Name of the fingerprint in the store.
const VALUE: &str = "administrator-token";

/// Makes the token on first start and writes it to the file.
///
/// # Errors
/// [`Unavailable`] when the store or the file can't be written.
pub(crate) async fn provide(installation: &Installation, file: &Path) -> Result<(), Unavailable> {
    if installation.store.installation_value(VALUE).await?.is_some() {
        return Ok(());
    }
    let token = secret(installation.randomness.as_ref());
    let made = fingerprint(&token);
    let kept = installation.store.provide_installation_value(VALUE, &made.0).await?;
    // Another process may have been faster: its token is the one that counts.
    if kept == made.0 { write(file, &token) } else { Ok(()) }
}

/// Makes another token; the one of before is good no longer.
///
/// # Errors
/// [`Unavailable`] when the store or the file can't be written.
pub(crate) async fn renew(installation: &Installation, file: &Path) -> Result<(), Unavailable> {
    let token = secret(installation.randomness.as_ref());
    write(file, &token)?;
    installation.store.set_installation_value(VALUE, &fingerprint(&token).0).await
}

fn write(file: &Path, token: &str) -> Result<(), Unavailable> {
    write_file(file, token)
        .map_err(|error| Unavailable::new("admin-token", format!("{}: {error}", file.display())))?;
    tracing::info!(file = %file.display(), "administrator's token written");
    Ok(())
}

fn write_file(file: &Path, token: &str) -> io::Result<()> {
    // A file of an installation before is of no use any more.
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(token.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Lets requests with the token pass.
pub(super) async fn require(State(management): State<Management>, request: Request, next: Next) -> Response {
    let known = match management.installation.store.installation_value(VALUE).await {
        Ok(known) => known.unwrap_or_default(),
        Err(error) => return api::unavailable(&error),
    };
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let token = values.next().and_then(|value| value.to_str().ok()).and_then(bearer);
    let good = match (token, values.next()) {
        // Fingerprints are compared: what was sent can't be probed byte by byte.
        (Some(token), None) => bool::from(fingerprint(token).0.as_slice().ct_eq(&known)),
        _ => false,
    };
    if good {
        return next.run(request).await;
    }
    let message = "send the administrator's token: Authorization: Bearer …";
    let mut response = api::error(StatusCode::UNAUTHORIZED, message);
    let challenge = HeaderValue::from_static("Bearer realm=\"postern\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
