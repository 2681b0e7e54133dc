//! What the name of a header says about it.

/// Headers that start like this, with `_` and `.` read as `-` and in any case, are ours: the
/// DMZ sets them for the LAN. Inbound ones are stripped.
pub const RESERVED_PREFIX: &str = "x-postern-";

/// Whether a header of this name is ours.
pub fn is_reserved(name: &[u8]) -> bool {
    starts_with_folded(name, RESERVED_PREFIX.as_bytes())
}

/// Whether the DMZ takes the header off a request: it is ours, or it is for the next hop alone
/// (RFC 9110 section 7.6.1), or a server behind a proxy could believe it about the client. `Expect` is
/// among them: it is the proxy that says `100 Continue`.
///
/// Not among them are `X-Forwarded-For`, `-Proto` and `-Client-Cert` and `X-Envoy-External-Address` in
/// exactly this spelling: Envoy writes these itself over what the client sent or, for the first, behind
/// it. nginx does not: its configuration has to set or empty them.
pub fn is_stripped(name: &[u8]) -> bool {
    matches!(Name::of(name), Name::Stripped | Name::Expect)
}

/// The names that matter; all others are ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Authorization,
    Connection,
    ContentLength,
    ContentType,
    Expect,
    Host,
    /// Starts with a colon: no such header stands among the others.
    Pseudo,
    /// Names another path or method than the request line does.
    Overrides,
    /// See [`is_stripped`].
    Stripped,
    TransferEncoding,
    Upgrade,
    Ordinary,
}

/// Headers with which a client would name another path or method than the request line.
const OVERRIDES: [&str; 8] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-uri",
    "x-rewrite-url",
];

/// Written by the proxy itself under exactly this name, and by nobody under a folded one.
const PROXYS_OWN: [&str; 4] =
    ["x-envoy-external-address", "x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-proto"];

/// Names, and beginnings of names, that the DMZ takes off, by their first letter:
///
/// - for the next hop alone (RFC 9110 section 7.6.1), and `Proxy`, which CGI servers take for a setting
///   (CVE-2016-5385);
/// - who the client is, what it asked for and under which certificate, as proxies tell it. Nobody else
///   may: a client certificate of RFC 9440 (`Client-Cert`), of Tomcat (`SSL_CLIENT_CERT`), of Keycloak's
///   lookups (`CERT_CHAIN_0`), of WSO2 (`x-wso2-mtls-cert`) or of a cloud is public, so that whoever
///   could send one would be that client; users of single sign-on products (`iv-user`, `SM_USER`,
///   `OIDC_CLAIM_sub`, `X-Goog-IAP-JWT-Assertion`); hosts, schemes and addresses.
fn for_proxies(first: u8) -> (&'static [&'static str], &'static [&'static str]) {
    match first {
        b'c' => (&["cf-connecting-ip", "cf-connecting-ipv6", "client-ip"], &["cert-chain", "client-cert"]),
        b'f' => (&["fastly-client-ip", "fly-client-ip", "forwarded", "front-end-https"], &[]),
        b'i' => (&["iv-creds", "iv-groups", "iv-user"], &[]),
        b'k' => (&["keep-alive"], &[]),
        b'o' => (&[], &["oidc-"]),
        b'p' => (
            &["proxy", "proxy-authenticate", "proxy-authorization", "proxy-client-ip", "proxy-connection"],
            &[],
        ),
        b'r' => (&["remote-addr", "remote-user"], &[]),
        b's' => (&["script-name", "smuser"], &["sm-user", "ssl-"]),
        b't' => (&["te", "trailer", "true-client-ip"], &[]),
        b'w' => (&[], &["wl-proxy-"]),
        b'x' => (
            &[
                "x-arr-clientcert",
                "x-arr-ssl",
                "x-azure-clientip",
                "x-azure-socketip",
                "x-cf-connecting-ip",
                "x-client-ip",
                "x-cluster-client-ip",
                "x-forwarded",
                "x-host",
                "x-http-host-override",
                "x-iv-user",
                "x-middleware-subrequest",
                "x-original-host",
                "x-original-forwarded-for",
                "x-originating-ip",
                "x-proxy-user",
                "x-proxyuser-ip",
                "x-real-ip",
                "x-remote-addr",
                "x-remote-ip",
                "x-remote-user",
                "x-rewrite-path",
                "x-script-name",
                "x-url-scheme",
            ],
            &[
                "x-amzn-mtls-",
                "x-amzn-oidc-",
                "x-auth-request-",
                "x-authenticated-",
                "x-client-cert",
                "x-envoy-",
                "x-forwarded-",
                "x-goog-authenticated-user-",
                "x-goog-iap-",
                "x-ms-client-principal",
                "x-ms-token-",
                RESERVED_PREFIX,
                "x-ssl-",
                "x-tls-",
                "x-webauth-",
                "x-wso2-",
            ],
        ),
        _ => (&[], &[]),
    }
}

impl Name {
    /// Looks at the first letter, then at the length: most headers are ordinary, and every request
    /// comes through here.
    pub(crate) fn of(name: &[u8]) -> Self {
        let Some(first) = name.first() else { return Self::Ordinary };
        match (first.to_ascii_lowercase(), name.len()) {
            (b'a', 13) if is(name, "authorization") => Self::Authorization,
            (b'c', 10) if is(name, "connection") => Self::Connection,
            (b'c', 12) if is(name, "content-type") => Self::ContentType,
            (b'c', 14) if is(name, "content-length") => Self::ContentLength,
            (b':', _) => Self::Pseudo,
            (b'e', 6) if is(name, "expect") => Self::Expect,
            (b'h', 4) if is(name, "host") => Self::Host,
            (b't', 17) if is(name, "transfer-encoding") => Self::TransferEncoding,
            (b'u', 7) if is(name, "upgrade") => Self::Upgrade,
            (b'x', _) => Self::of_extension(name),
            (first, _) if is_for_proxies(first, name) => Self::Stripped,
            _ => Self::Ordinary,
        }
    }

    fn of_extension(name: &[u8]) -> Self {
        if OVERRIDES.iter().any(|own| is_folded(name, own)) {
            return Self::Overrides;
        }
        // In any other spelling they are of a family that is taken off.
        let is_proxys_own = || PROXYS_OWN.iter().any(|own| is(name, own));
        if is_for_proxies(b'x', name) && !is_proxys_own() { Self::Stripped } else { Self::Ordinary }
    }
}

fn is_for_proxies(first: u8, name: &[u8]) -> bool {
    let (names, prefixes) = for_proxies(first);
    names.iter().any(|own| is_folded(name, own))
        || prefixes.iter().any(|prefix| starts_with_folded(name, prefix.as_bytes()))
}

fn is(name: &[u8], expected: &str) -> bool {
    name.eq_ignore_ascii_case(expected.as_bytes())
}

/// With `_` and `.` read as `-`: servers that turn headers into variables can't tell them apart.
fn is_folded(name: &[u8], expected: &str) -> bool {
    name.len() == expected.len() && starts_with_folded(name, expected.as_bytes())
}

fn starts_with_folded(name: &[u8], start: &[u8]) -> bool {
    let fold = |byte: &u8| match byte {
        b'_' | b'.' => b'-',
        byte => byte.to_ascii_lowercase(),
    };
    name.get(..start.len()).is_some_and(|beginning| beginning.iter().map(fold).eq(start.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_folded() {
        for name in ["x-postern-client-address", "X_Postern.Anything", "x-postern-", "X-POSTERN_X"] {
            assert!(is_reserved(name.as_bytes()), "{name}");
            assert!(is_stripped(name.as_bytes()), "{name}");
        }
        for name in ["x-poster", "x-posternx", "xpostern-a", "postern-x", ""] {
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_for_proxies_alone_is_stripped_under_folded_names() {
        let lists = (b'a'..=b'z').map(|first| (first, for_proxies(first)));
        for (first, (names, prefixes)) in lists {
            let below = prefixes.iter().map(|prefix| format!("{prefix}x"));
            for name in names.iter().map(|name| (*name).to_owned()).chain(below) {
                assert_eq!(name.as_bytes()[0], first, "{name}");
                for spelling in [name.clone(), name.to_uppercase(), name.replace('-', "_")] {
                    assert!(is_stripped(spelling.as_bytes()), "{spelling}");
                }
            }
        }
        for name in ["x_forwarded_for", "X.Forwarded-Proto", "X_Envoy-External-Address", "expect", "Expect"] {
            assert!(is_stripped(name.as_bytes()), "{name}");
        }
        for name in ["x-forwarded-for", "X-Forwarded-Proto", "cookie", "user-agent", "prefer", "tea", "x"] {
            assert!(!is_stripped(name.as_bytes()), "{name}");
        }
        for name in
            ["x-forwarded-client-cert", "X-Envoy-External-Address", "x-requested-with", "sec-fetch-site"]
        {
            assert!(!is_stripped(name.as_bytes()), "{name}");
        }
    }

    /// A certificate is public: whoever can tell the LAN one is that client.
    #[test]
    fn no_client_tells_its_certificate() {
        for name in [
            "Client-Cert",
            "Client-Cert-Chain",
            "CERT_CHAIN_0",
            "SSL_CLIENT_CERT",
            "ssl-client-cert",
            "SSL_CLIENT_ESCAPED_CERT",
            "SSL_CIPHER",
            "x-wso2-mtls-cert",
            "X-SSL-CERT",
            "X-SSL-Client-Cert",
            "X-Client-Cert",
            "X-Client-Cert-Leaf",
            "X-Forwarded-Tls-Client-Cert",
            "X-Forwarded_Client_Cert",
            "X-Amzn-Mtls-Clientcert",
            "X-ARR-ClientCert",
            "WL-Proxy-Client-Cert",
        ] {
            assert!(is_stripped(name.as_bytes()), "{name}");
        }
    }
}
