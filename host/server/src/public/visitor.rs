//! Who asks. What the DMZ proxy says of a request is believed only of a proxy that has shown its
//! certificate.

use std::net::IpAddr;

use axum::http::HeaderMap;
use postern_kernel::flow::Visitor;
use postern_kernel::randomness::identifier;
use postern_refusal::Refusal;

use super::cookies;
use crate::listener::Peer;
use crate::live::Live;

const ADDRESS: &str = "x-postern-client-address";
const CORRELATION: &str = "x-postern-correlation-id";

/// The visitor; and a refusal when a proxy that has shown its certificate does not say where the
/// request comes from. Its filter always does: without it everybody would be counted as one
/// address, and throttled together.
pub(super) fn read(live: &Live, peer: Peer, headers: &HeaderMap) -> (Visitor, Result<(), Refusal>) {
    let told = |name| if peer.has_certificate { single(headers, name) } else { None };
    let address = told(ADDRESS).and_then(|text| text.parse::<IpAddr>().ok());
    let said = if peer.has_certificate && address.is_none() {
        let values: Vec<_> = headers.get_all(ADDRESS).iter().map(|value| value.as_bytes()).collect();
        Err(Refusal::configuration("server.proxy.client-address")
            .with_status(502)
            .at(ADDRESS)
            .expected("one address, set by the proxy's endpoint filter")
            .found_bytes(&values.join(b", ".as_slice())))
    } else {
        Ok(())
    };
    let address = address.unwrap_or(peer.address.ip());
    let correlation = told(CORRELATION)
        .filter(|text| is_correlation(text))
        .map_or_else(|| identifier(live.flow.installation().randomness.as_ref()), Into::into);
    let visitor = Visitor {
        session: cookies::find(headers, cookies::SESSION),
        browser: cookies::find(headers, cookies::BROWSER),
        device: cookies::find(headers, cookies::DEVICE),
        address: address.to_canonical(),
        correlation,
        language: live.pages.language(single(headers, "accept-language")),
    };
    (visitor, said)
}

/// The header's value, when it is there exactly once.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(value) }
}

/// Goes into logs and pages: letters, digits, hyphen and underscore.
fn is_correlation(text: &str) -> bool {
    (8..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
