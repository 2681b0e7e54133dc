//! Who asks. What the DMZ proxy says of a request is believed only of a proxy that has shown its
//! certificate.

use std::net::IpAddr;

use axum::http::HeaderMap;
use postern_kernel::flow::Visitor;
use postern_kernel::randomness::identifier;
use postern_refusal::Refusal;

use super::{client_certificate, cookies};
use crate::listener::Peer;
use crate::live::Live;

pub(super) const ADDRESS: &str = "x-postern-client-address";
const CORRELATION: &str = "x-postern-correlation-id";

/// The visitor; and a refusal when a proxy that has shown its certificate does not say where the
/// request comes from, or says of the browser's certificate what can't be read. Its filter always does: without it everybody would be counted as one
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
    // Of anybody else the header is a claim without a proof.
    let certificate = if peer.has_certificate { client_certificate::read(headers) } else { Ok(None) };
    let address = address.unwrap_or(peer.address.ip());
    let correlation = told(CORRELATION)
        .filter(|text| is_correlation(text))
        .map_or_else(|| identifier(live.flow.installation().randomness.as_ref()), Into::into);
    let modules = live.flow.modules();
    let for_policies = modules.policies.headers.iter();
    let for_policies = for_policies.filter_map(|name| Some((name.clone(), plain(told(name)?)?)));
    let visitor = Visitor {
        session: cookies::find(headers, cookies::SESSION),
        browser: cookies::find(headers, cookies::BROWSER),
        device: cookies::find(headers, cookies::DEVICE),
        remembered: cookies::find(headers, cookies::REMEMBERED),
        address: address.to_canonical(),
        correlation,
        language: live.pages.language(single(headers, "accept-language")),
        user_agent: user_agent(single(headers, "user-agent")),
        headers: for_policies.collect(),
        client_certificate: certificate.as_ref().ok().cloned().flatten(),
    };
    (visitor, said.and(certificate.map(|_| ())))
}

/// Most bytes of a header that policies are told of.
const TOLD: usize = 256;

/// What a policy is told: printable ASCII, or nothing.
fn plain(told: &str) -> Option<String> {
    let is_plain = told.len() <= TOLD && told.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    is_plain.then(|| told.to_owned())
}

/// Most bytes of it that are kept.
const USER_AGENT: usize = 256;

/// What the browser says of itself, as far as it is printable ASCII: nothing is decided by it, and the
/// person sees it on their own page.
fn user_agent(told: Option<&str>) -> String {
    let printable = told.unwrap_or_default().chars().filter(|char| matches!(char, ' '..='~'));
    printable.take(USER_AGENT).collect()
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
