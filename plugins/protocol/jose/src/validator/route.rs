//! Which route a path belongs to.

use std::borrow::Cow;

use super::route_configuration::{Route, RoutePath};

/// The route of a path (no query) that `postern_endpoint::RequestTarget` accepted: an exact match
/// before prefixes, the longest prefix first. None: no token is needed.
///
/// The path is compared as the LAN reads it: escapes decoded, letters in either case, and for an
/// exact match with or without a slash at its end.
pub fn find_route<'a>(routes: &'a [Route], path: &str) -> Option<&'a Route> {
    let decoded = decoded(path);
    let path = decoded.as_ref();
    let exact = |wanted: fn(&[u8], &[u8]) -> bool| {
        routes
            .iter()
            .find(|route| matches!(&route.path, RoutePath::Exact(own) if wanted(own.as_bytes(), path)))
    };
    exact(<[u8]>::eq_ignore_ascii_case).or_else(|| exact(is_same_but_for_a_slash)).or_else(|| {
        routes
            .iter()
            .filter_map(|route| match &route.path {
                RoutePath::Prefix(prefix) if is_below(prefix, path) => Some((prefix.len(), route)),
                _ => None,
            })
            .max_by_key(|(length, _)| *length)
            .map(|(_, route)| route)
    })
}

impl RoutePath {
    /// Whether a path (no query) that `postern_endpoint::RequestTarget` accepted is matched.
    pub fn matches(&self, path: &str) -> bool {
        let path = decoded(path);
        match self {
            Self::Exact(own) => is_same_but_for_a_slash(own.as_bytes(), &path),
            Self::Prefix(prefix) => is_below(prefix, &path),
        }
    }
}

fn is_below(prefix: &str, path: &[u8]) -> bool {
    if prefix == "/" {
        return true;
    }
    path.split_at_checked(prefix.len()).is_some_and(|(head, rest)| {
        head.eq_ignore_ascii_case(prefix.as_bytes()) && (rest.is_empty() || rest.starts_with(b"/"))
    })
}

fn is_same_but_for_a_slash(own: &[u8], path: &[u8]) -> bool {
    let without = |path: &[u8]| path.strip_suffix(b"/").unwrap_or(path).to_ascii_lowercase();
    without(own) == without(path)
}

/// Decoded once. An accepted path has no escape of a dot, slash, backslash, semicolon or percent
/// sign, so that there is one way to read it.
fn decoded(path: &str) -> Cow<'_, [u8]> {
    if !path.contains('%') {
        return Cow::Borrowed(path.as_bytes());
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, next) = match (first, after) {
            (b'%', [high, low, next @ ..]) => match escaped(*high, *low) {
                Some(byte) => (byte, next),
                None => (*first, after),
            },
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = next;
    }
    Cow::Owned(bytes)
}

/// The byte that two hexadecimal digits stand for.
fn escaped(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? << 4) | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: RoutePath) -> Route {
        Route::new(path, Vec::new())
    }

    #[test]
    fn the_closest_route_is_found() {
        let routes = [
            route(RoutePath::Prefix("/api".into())),
            route(RoutePath::Prefix("/api/orders".into())),
            route(RoutePath::Exact("/api/orders/health".into())),
        ];
        let found = |path| find_route(&routes, path).map(|route| &route.path);
        assert_eq!(found("/api"), Some(&routes[0].path));
        assert_eq!(found("/api/x"), Some(&routes[0].path));
        assert_eq!(found("/api/orders/1"), Some(&routes[1].path));
        assert_eq!(found("/API/Orders/1"), Some(&routes[1].path));
        assert_eq!(found("/api/orders/health"), Some(&routes[2].path));
        assert_eq!(found("/apis"), None);
        assert_eq!(found("/"), None);
    }

    /// Spellings that a LAN takes for the guarded path.
    #[test]
    fn no_spelling_leads_past_a_route() {
        let exact = |path: &str| RoutePath::Exact(path.into());
        let prefix = |path: &str| RoutePath::Prefix(path.into());
        for (own, path, is_guarded) in [
            (exact("/v1/things:cancel"), "/v1/things:cancel", true),
            (exact("/v1/things:cancel"), "/v1/things%3Acancel", true),
            (exact("/v1/things:cancel"), "/V1/things%3ACANCEL/", true),
            (exact("/v1/things:cancel"), "/v1/things%3A", false),
            (exact("/v1/things:cancel"), "/v1/things%2Ccancel", false),
            (exact("/orders"), "/orders/", true),
            (exact("/orders/"), "/orders", true),
            (exact("/orders"), "/orders/1", false),
            (exact("/"), "/", true),
            (exact("/"), "/orders", false),
            (prefix("/odata/Items(1)"), "/odata/Items(1)/x", true),
            (prefix("/odata/Items(1)"), "/odata/Items%281%29/x", true),
            (prefix("/odata/Items(1)"), "/odata/items%281)", true),
            (prefix("/odata/Items(1)"), "/odata/Items%281%29x", false),
            (prefix("/@me!$&'*+,="), "/%40me%21%24%26%27%2A%2B%2C%3D/x", true),
            (prefix("/orders"), "/orders%C3%A4", false),
            (prefix("/orders"), "/orders/%C3%A4", true),
        ] {
            let routes = [route(own)];
            assert_eq!(find_route(&routes, path).is_some(), is_guarded, "{:?} {path}", routes[0].path);
        }
        // The letters of a route come before what is only read alike.
        let routes = [route(exact("/orders/")), route(exact("/orders"))];
        assert_eq!(find_route(&routes, "/orders").map(|route| &route.path), Some(&routes[1].path));
    }
}
