//! What every request consists of: see `mod.rs`.
use std::net::IpAddr;

use postern_endpoint::{ClientAddress, Network, RateLimit, RateTable, RequestTarget};
use postern_form::{Form, encode};
use postern_xml::{Document, Limits};

use super::NOW;

/// Parameter names stay literal, and what was read is read again when it is written.
pub fn form(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let written: Vec<_> = form
        .parameters()
        .iter()
        .map(|parameter| format!("{}={}", parameter.name, encode(&parameter.value)))
        .collect();
    let written = written.join("&");
    let again = Form::parse(written.as_bytes()).expect("what was accepted is accepted again");
    for (one, other) in form.parameters().iter().zip(again.parameters()) {
        assert_eq!((one.name, &one.value), (other.name, &other.value));
    }
}

/// An accepted path has no second reading.
pub fn endpoint_target(bytes: &[u8]) {
    let Ok(target) = RequestTarget::parse(bytes) else { return };
    let path = target.path();
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
    assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{path}");
    for forbidden in ["//", "\\", ";", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%00", "%25"] {
        assert!(!path.contains(forbidden), "{path}");
    }
}

/// `X-Forwarded-For`, a network, and what stands in a slot of shared data.
pub fn endpoint_client(bytes: &[u8]) {
    let connection = IpAddr::from([10, 0, 0, 1]);
    let trusted = "10.0.0.0/8".parse().expect("a network");
    for rule in [
        ClientAddress::TrustedHops(1),
        ClientAddress::TrustedHops(3),
        ClientAddress::TrustedProxies(vec![trusted]),
    ] {
        let values = bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        if let Ok(client) = rule.resolve(connection, values.into_iter()) {
            assert_eq!(client, client.to_canonical());
        }
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network));
    }
    let limit: RateLimit =
        serde_json::from_str(r#"{"path":"/a","requests":9,"seconds":1}"#).expect("a limit");
    let bucket = RateTable::new([7; 16]).bucket(connection, "/a");
    if let Ok(slot) = bucket.take(bytes, &limit, NOW) {
        assert!(slot.len() <= 96);
    }
}

/// An unsigned document.
pub fn xml(bytes: &[u8]) {
    if let Ok(document) = Document::read(bytes, &Limits::default()) {
        let _ = document.root_name();
        let _ = document.into_unsigned();
    }
}
