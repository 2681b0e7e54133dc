//! What no policy can expose.

/// Paths of management and of the platform, with everything below them. Some are WSO2's: the
/// filter also stands before a WSO2 Identity Server.
pub const NEVER_PUBLIC: [&str; 11] = [
    "/api/identity",
    "/api/server",
    "/api/users",
    "/carbon",
    "/console",
    "/fileupload",
    "/health",
    "/manager",
    "/metrics",
    "/scim2",
    "/services",
];

/// The one path below them that may be declared, by exactly this name: the WS-Trust service.
pub const SECURITY_TOKEN_SERVICE: &str = "/services/wso2carbon-sts";

/// Whether the path is one of them or lies below one, in any case of letters.
pub fn is_never_public(path: &str) -> bool {
    path != SECURITY_TOKEN_SERVICE && NEVER_PUBLIC.iter().any(|never| is_at_or_below(path, never))
}

/// Whether a prefix lies below one of them, or reaches one of them.
pub fn reaches_never_public(prefix: &str) -> bool {
    let covers = |never: &&str| starts_with(never, prefix) || starts_with(&format!("{never}/"), prefix);
    is_never_public(prefix) || NEVER_PUBLIC.iter().any(covers)
}

fn is_at_or_below(path: &str, never: &str) -> bool {
    starts_with(path, never) && matches!(path.as_bytes().get(never.len()), None | Some(b'/'))
}

fn starts_with(path: &str, start: &str) -> bool {
    path.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn management_is_recognised_with_everything_below_it() {
        for path in
            ["/carbon", "/console/", "/Console", "/api/server/v1", "/services", "/services/x", "/METRICS"]
        {
            assert!(is_never_public(path), "{path}");
        }
        for path in ["/samlsso", "/consoles", "/api", "/healthy", SECURITY_TOKEN_SERVICE] {
            assert!(!is_never_public(path), "{path}");
        }
        assert!(is_never_public("/services/wso2carbon-sts/x"));
        assert!(is_never_public("/services/WSO2carbon-sts"));
    }

    #[test]
    fn a_prefix_must_not_reach_management() {
        for prefix in ["/", "/api/", "/services/", "/console/", "/console/assets/", "/API/"] {
            assert!(reaches_never_public(prefix), "{prefix}");
        }
        assert!(!reaches_never_public("/authenticationendpoint/assets/"));
    }
}
