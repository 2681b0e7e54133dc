//! What the vectors consist of, as inputs of the parsers.
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use postern_end_to_end::wire;
use postern_form::Form;
use postern_proxy::pairs::serialise;
use postern_vectors::{Keys, Request, load_all};

use crate::BASE_URL;

/// Inputs beyond this are cut, in bytes: the limits have vectors of their own.
const LONGEST: usize = 8 * 1_024;

/// Targets, queries, bodies, values, messages inside values, and whole requests.
///
/// # Panics
/// When a vector is no good.
pub fn all() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for vector in load_all() {
        for request in vector.materialise(Keys::shared(), 1_790_000_000, BASE_URL, 1).iter().take(1) {
            inputs.extend(parts(request));
            inputs.push(raw(request));
            inputs.extend(sign_on(request));
            inputs.push(pairs(request));
        }
    }
    inputs.iter_mut().for_each(|input| input.truncate(LONGEST));
    inputs.sort();
    inputs.dedup();
    inputs
}

fn parts(request: &Request) -> Vec<Vec<u8>> {
    let mut parts = vec![request.target.clone(), request.query().into(), request.body.clone()];
    parts.extend(request.headers.iter().map(|(_, value)| value.clone()));
    let tokens = request.headers.iter().filter_map(|(_, value)| value.strip_prefix(b"Bearer "));
    parts.extend(tokens.map(<[u8]>::to_vec));
    for encoded in [request.query().as_bytes(), &request.body] {
        let Ok(form) = Form::parse(encoded) else { continue };
        for parameter in form.parameters() {
            parts.push(parameter.value.clone().into());
            let Ok(decoded) = STANDARD.decode(&parameter.value) else { continue };
            let mut inflated = Vec::new();
            let _ = DeflateDecoder::new(decoded.as_slice()).take(1 << 16).read_to_end(&mut inflated);
            parts.push(inflated);
            parts.push(decoded);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// A Response with the request that it answers, and with what its Assertion may be in the clear.
fn sign_on(request: &Request) -> Option<Vec<u8>> {
    let id = request.header("x-request")?;
    let clear = format!(
        "<saml:Assertion xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_assertion' Version='2.0' \
         IssueInstant='2026-09-21T14:13:20Z'><saml:Issuer>https://idp.example.com/metadata</saml:Issuer>\
         <saml:Subject><saml:NameID>person</saml:NameID><saml:SubjectConfirmation \
         Method='urn:oasis:names:tc:SAML:2.0:cm:bearer'><saml:SubjectConfirmationData \
         NotOnOrAfter='2026-09-21T14:18:20Z' Recipient='{BASE_URL}/commonauth' InResponseTo='{id}'/>\
         </saml:SubjectConfirmation></saml:Subject><saml:Conditions><saml:AudienceRestriction><saml:Audience>\
         {BASE_URL}/identity/metadata/saml2</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant='2026-09-21T14:13:10Z'><saml:AuthnContext/></saml:AuthnStatement>\
         <saml:AttributeStatement><saml:Attribute Name='mail'><saml:AttributeValue>a@b.example\
         </saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    );
    Some([id.as_bytes(), b"\n", &request.body, b"\0", clear.as_bytes()].concat())
}

/// The request as HTTP/1.1.
fn raw(request: &Request) -> Vec<u8> {
    let request = wire::complete(request, "sso.example.com");
    let mut raw = format!("{} ", request.method).into_bytes();
    raw.extend_from_slice(&request.target);
    raw.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in &request.headers {
        raw.extend_from_slice(format!("{name}: ").as_bytes());
        raw.extend_from_slice(value);
        raw.extend_from_slice(b"\r\n");
    }
    raw.extend_from_slice(b"\r\n");
    raw.extend_from_slice(&request.body);
    raw
}

/// Its headers as the proxy shows them.
fn pairs(request: &Request) -> Vec<u8> {
    let target = String::from_utf8_lossy(&request.target).into_owned();
    let values: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(value).into_owned()))
        .collect();
    let mut pairs = vec![
        (":authority", "sso.example.com"),
        (":path", target.as_str()),
        (":method", request.method.as_str()),
        (":scheme", "https"),
    ];
    pairs.extend(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    serialise(&pairs)
}
