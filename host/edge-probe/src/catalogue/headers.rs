//! Headers that name another request than the request line. What a proxy may also take away unseen
//! (Connection options, `Upgrade: h2c`, folded lines) can't be told from outside, and is not here.

use super::{Entry, Target, entry, get};

/// At an open path.
const HEADERS: [(&str, &str, &str); 10] = [
    ("host-twice", "Host: other.invalid\r\n", "which Host counts differs"),
    ("method-override", "X-HTTP-Method-Override: DELETE\r\n", "another method"),
    ("method", "X-HTTP-Method: PUT\r\n", "another method"),
    ("original-url", "X-Original-URL: /carbon\r\n", "another path (IIS, Zend)"),
    ("rewrite-url", "X-Rewrite-URL: /carbon\r\n", "another path"),
    ("original-uri", "X-Original-URI: /carbon\r\n", "another path"),
    (
        "websocket",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n",
        "a change of protocol past the guards",
    ),
    (
        "authorization-twice",
        "Authorization: Basic eDp4\r\nAuthorization: Basic eTp5\r\n",
        "which one counts differs",
    ),
    ("name-space", "X-Space : a\r\n", "a space before the colon"),
    ("nul", "X-Nul: a\0b\r\n", "NUL in a value"),
];

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let open = &target.open;
    let mut all: Vec<Entry> = HEADERS
        .iter()
        .map(|(name, header, why)| entry("header", name, why, get(target, open, header)))
        .collect();
    for (name, host, why) in [
        ("host-other", "internal.invalid", "a host that is not the edge's"),
        ("host-address", "127.0.0.1", "an address as host"),
        ("host-empty", "", "no host"),
        ("host-user", "sso@internal.invalid", "user information in Host"),
    ] {
        let other = Target { host: host.into(), ..target.clone() };
        all.push(entry("header", name, why, get(&other, open, "")));
    }
    let many = (0..200).map(|index| format!("X-Many-{index}: a\r\n")).collect::<String>();
    all.push(entry("header", "many", "two hundred headers", get(target, open, &many)));
    let long = format!("X-Long: {}\r\n", "a".repeat(100_000));
    all.push(entry("header", "long", "a header of 100 KB", get(target, open, &long)));
    all
}
