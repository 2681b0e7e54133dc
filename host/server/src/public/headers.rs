//! Security headers. Set on every answer, whatever made it.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// The request's identifier, as the DMZ's log, ours and the error page have it.
const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// No `form-action`: Chrome applies it to the redirects that follow the POST of the sign-in form
/// as well, and those lead to the application. Naming all of their origins there would tell them
/// to everybody; and what a form could be made to send elsewhere, it could only by injected HTML,
/// which `default-src 'none'` and the templates' escaping are for.
const PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                    frame-ancestors 'none'; base-uri 'none'";
/// Documents of modules and redirects are not rendered: nothing in them is run or loaded.
const DOCUMENT: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox";

/// Headers of a page; with the source of its script, when it has one: a hash, or the URL of one file.
pub(super) fn secure_page(response: &mut Response<Body>, script: Option<&str>) {
    let policy = match script {
        Some(source) => format!("{PAGE}; script-src {source}"),
        None => PAGE.to_owned(),
    };
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    secure(response);
}

/// Headers of everything that is neither page nor asset.
pub(super) fn secure_document(response: &mut Response<Body>) {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCUMENT));
    secure(response);
}

/// Headers of a style sheet or picture. Its name holds a digest of it, or else a theme chose it.
pub(super) fn secure_asset(response: &mut Response<Body>, is_immutable: bool) {
    let cached = if is_immutable { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCUMENT));
    secure(response);
}

/// No `Cross-Origin-Opener-Policy`: it would cut an application that signs people in through a
/// pop-up window off from that window.
fn secure(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The status, when it is one: a module may have named anything.
pub(super) fn set_status(response: &mut Response<Body>, status: u16) {
    *response.status_mut() = StatusCode::from_u16(status)
        .ok()
        .filter(|status| status.as_u16() >= 200)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
}

/// HTTPS alone from now on, for the host's name; but not for names of the browser's own machine,
/// where other servers without TLS would be out of its reach for a year (RFC 6797 knows no port).
pub(super) fn https_only(response: &mut Response<Body>, base_url: &str) {
    if !is_own_machine(base_url) {
        let value = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

/// `localhost`, names below it (RFC 6761 section 6.3), and loopback addresses.
fn is_own_machine(base_url: &str) -> bool {
    let authority = base_url.strip_prefix("https://").unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_loopback = host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    host == "localhost" || host.ends_with(".localhost") || is_loopback
}

pub(super) fn correlation(response: &mut Response<Body>, correlation: &str) {
    if let Ok(value) = HeaderValue::from_str(correlation) {
        response.headers_mut().insert(CORRELATION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(response: &Response<Body>, name: &str) -> String {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_page_has_the_whole_set() {
        let mut response = Response::new(Body::empty());
        secure_page(&mut response, None);
        assert_eq!(
            value(&response, "content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(value(&response, name), expected, "{name}");
        }
    }

    #[test]
    fn https_alone_is_demanded_of_real_names() {
        for (base_url, demanded) in [
            ("https://sso.example.com", true),
            ("https://sso.example.com:8443", true),
            ("https://localhost.example.com", true),
            ("https://mylocalhost", true),
            ("https://192.0.2.1", true),
            ("https://localhost", false),
            ("https://localhost:8443", false),
            ("https://sso.localhost:8443", false),
            ("https://sso.localhost.", false),
            ("https://127.0.0.2:8443", false),
        ] {
            let mut response = Response::new(Body::empty());
            https_only(&mut response, base_url);
            let expected = if demanded { "max-age=31536000" } else { "" };
            assert_eq!(value(&response, "strict-transport-security"), expected, "{base_url}");
        }
    }

    #[test]
    fn script_is_allowed_by_its_hash_only_and_forms_may_be_redirected() {
        let mut response = Response::new(Body::empty());
        secure_page(&mut response, Some("'sha256-abc='"));
        let policy = value(&response, "content-security-policy");
        assert!(policy.ends_with("; script-src 'sha256-abc='"));
        assert!(!policy.contains("form-action") && !policy.contains("unsafe"));
    }

    #[test]
    fn a_documents_own_caching_is_kept() {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert("cache-control", HeaderValue::from_static("public, max-age=60"));
        secure_document(&mut response);
        assert_eq!(value(&response, "cache-control"), "public, max-age=60");
        assert!(value(&response, "content-security-policy").ends_with("; sandbox"));
    }

    #[test]
    fn a_status_that_is_none_becomes_500() {
        let mut response = Response::new(Body::empty());
        for (status, expected) in [(200, 200), (404, 404), (100, 500), (0, 500), (65_535, 500)] {
            set_status(&mut response, status);
            assert_eq!(response.status().as_u16(), expected);
        }
    }
}
