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
    ContentEncoding,
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

/// What a name stands for, when it is one of these in any case.
const READ: [(&str, Name); 9] = [
    ("authorization", Name::Authorization),
    ("connection", Name::Connection),
    ("content-encoding", Name::ContentEncoding),
    ("content-length", Name::ContentLength),
    ("content-type", Name::ContentType),
    ("expect", Name::Expect),
    ("host", Name::Host),
    ("transfer-encoding", Name::TransferEncoding),
    ("upgrade", Name::Upgrade),
];

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
///   could send one would be that client; users of single sign-on products and gateways (`iv-user`,
///   `SM_USER`, `OIDC_CLAIM_sub`, `X-Goog-IAP-JWT-Assertion`, `X-JWT-Assertion` of WSO2's API Manager,
///   `X-Consumer-Username` of Kong, `Remote-Groups` of Authelia, `Cf-Access-…` of Cloudflare, and those
///   of authentik, Pomerium and Tailscale); hosts, schemes and addresses.
const fn for_proxies(first: u8) -> (&'static [&'static str], &'static [&'static str]) {
    match first {
        b'c' => (
            &["cf-connecting-ip", "cf-connecting-ipv6", "client-ip"],
            &["cert-chain", "cf-access-", "client-cert"],
        ),
        b'f' => (&["fastly-client-ip", "fly-client-ip", "forwarded", "front-end-https"], &[]),
        b'i' => (&["iv-creds", "iv-groups", "iv-user"], &[]),
        b'k' => (&["keep-alive"], &[]),
        b'o' => (&[], &["oidc-"]),
        b'p' => (
            &["proxy", "proxy-authenticate", "proxy-authorization", "proxy-client-ip", "proxy-connection"],
            &[],
        ),
        b'r' => (&[], &["remote-"]),
        b's' => (&["script-name", "smuser"], &["sm-user", "ssl-"]),
        b't' => (&["te", "trailer", "true-client-ip"], &["tailscale-"]),
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
                "x-jwt-assertion",
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
                "x-scheme",
                "x-script-name",
                "x-url-scheme",
                "x-userinfo",
            ],
            &[
                "x-amzn-mtls-",
                "x-amzn-oidc-",
                "x-auth-request-",
                "x-authenticated-",
                "x-authentik-",
                "x-client-cert",
                "x-consumer-",
                "x-credential-",
                "x-envoy-",
                "x-forwarded-",
                "x-goog-authenticated-user-",
                "x-goog-iap-",
                "x-ms-client-principal",
                "x-ms-token-",
                "x-pomerium-",
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

/// Which names and families [`Name::of_listed`] has to look for: every request comes through here, and
/// most headers are in no list.
static LISTED: Listed = Listed::new();

struct Listed {
    /// For each first letter, a bit for each length of a name.
    lengths: [u32; 32],
    /// For each first letter, a bit for each third letter of a family: all have as many.
    thirds: [u32; 32],
}

impl Listed {
    #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "it runs at compile time")]
    const fn new() -> Self {
        let mut listed = Self { lengths: [0; 32], thirds: [0; 32] };
        let mut index = 0;
        while index < READ.len() {
            listed = listed.with_name(READ[index].0);
            index += 1;
        }
        index = 0;
        while index < OVERRIDES.len() {
            listed = listed.with_name(OVERRIDES[index]);
            index += 1;
        }
        let mut first = b'a';
        while first <= b'z' {
            let (names, families) = for_proxies(first);
            index = 0;
            while index < names.len() {
                listed = listed.with_name(names[index]);
                index += 1;
            }
            index = 0;
            while index < families.len() {
                let family = families[index].as_bytes();
                listed.thirds[letter(family[0])] |= 1 << letter(family[2]);
                index += 1;
            }
            first += 1;
        }
        listed
    }

    #[allow(clippy::indexing_slicing, reason = "it runs at compile time")]
    const fn with_name(mut self, name: &str) -> Self {
        self.lengths[letter(name.as_bytes()[0])] |= 1 << (name.len() & 31);
        self
    }

    /// Never false for a name that is in a list.
    fn may_have(&self, name: &[u8]) -> bool {
        let of = |table: &[u32; 32], first: u8| table.get(letter(first)).copied().unwrap_or(u32::MAX);
        match name {
            [] => false,
            [b':', ..] => true,
            [first, rest @ ..] => {
                let third = rest.get(1).map_or(0, |third| 1_u32 << letter(*third));
                of(&self.lengths, *first) & (1 << (name.len() & 31)) != 0
                    || of(&self.thirds, *first) & third != 0
            }
        }
    }
}

/// A number below 32, the same for all spellings of a letter.
const fn letter(byte: u8) -> usize {
    match byte {
        b'_' | b'.' | b'-' => 0,
        byte => (byte & 31) as usize,
    }
}

impl Name {
    pub(crate) fn of(name: &[u8]) -> Self {
        if LISTED.may_have(name) { Self::of_listed(name) } else { Self::Ordinary }
    }

    fn of_listed(name: &[u8]) -> Self {
        let Some(first) = name.first() else { return Self::Ordinary };
        if *first == b':' {
            return Self::Pseudo;
        }
        if let Some((_, found)) = READ.iter().find(|(own, _)| is(name, own)) {
            return *found;
        }
        if OVERRIDES.iter().any(|own| is_folded(name, own)) {
            return Self::Overrides;
        }
        // In any other spelling they are of a family that is taken off.
        if PROXYS_OWN.iter().any(|own| is(name, own)) {
            return Self::Ordinary;
        }
        let (names, families) = for_proxies(first.to_ascii_lowercase());
        let is_taken_off = names.iter().any(|own| is_folded(name, own))
            || families.iter().any(|family| starts_with_folded(name, family.as_bytes()));
        if is_taken_off { Self::Stripped } else { Self::Ordinary }
    }
}

fn is(name: &[u8], expected: &str) -> bool {
    name.eq_ignore_ascii_case(expected.as_bytes())
}

/// With `_` and `.` read as `-`: servers that turn headers into variables can't tell them apart.
pub(crate) fn is_folded(name: &[u8], expected: &str) -> bool {
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

    /// What the tables let pass is in no list.
    #[test]
    fn no_name_is_missed_by_its_length_or_letter() {
        let spellings = |name: &str| [name.to_owned(), name.to_uppercase(), name.replace('-', "_")];
        for (name, found) in READ {
            assert_eq!([Name::of(name.as_bytes()), Name::of(name.to_uppercase().as_bytes())], [found; 2]);
        }
        for name in OVERRIDES {
            for spelling in spellings(name) {
                assert_eq!(Name::of(spelling.as_bytes()), Name::Overrides, "{spelling}");
            }
        }
        for name in [":path", ":", ":anything-at-all"] {
            assert_eq!(Name::of(name.as_bytes()), Name::Pseudo, "{name}");
        }
        for name in ["cookie", "user-agent", "accept-language", "sec-fetch-site", "origin", ""] {
            assert!(!LISTED.may_have(name.as_bytes()), "{name} takes the long way");
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
