/// Whether what is sent to this absolute URL goes over TLS, or stays on this machine: `https`, or `http`
/// of a loopback name, printable ASCII, without user information, fragment or backslash.
pub fn is_protected_url(url: &str) -> bool {
    let clean = url.is_ascii() && !url.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'#' || b == b'\\');
    let host_of = |scheme: &str| {
        let rest = url.strip_prefix(scheme)?;
        let authority = rest.split(['/', '?']).next()?;
        (!authority.is_empty() && !authority.contains('@')).then_some(authority)
    };
    let is_local = |authority: &str| {
        let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
            if port.bytes().all(|digit| digit.is_ascii_digit()) { host } else { authority }
        });
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    };
    clean && (host_of("https://").is_some() || host_of("http://").is_some_and(is_local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine() {
        for url in
            ["https://sp.example/acs", "https://sp.example", "http://127.0.0.1:81/acs", "http://[::1]:8/"]
        {
            assert!(is_protected_url(url), "{url}");
        }
        for url in [
            "http://sp.example/acs",
            "http://localhost.example/",
            "http://127.0.0.1@evil.example/",
            "https:///acs",
            "https://a@b/",
            "https://sp/#f",
            "https://sp\\x",
            "https://sp/a b",
            "HTTPS://sp/",
            "javascript:x",
            "",
        ] {
            assert!(!is_protected_url(url), "{url}");
        }
    }
}
