//! Which route a path belongs to.

use super::configuration::{Route, RoutePath};

/// The route of a canonical path (no query): an exact match before prefixes, the longest prefix
/// first. None: no token is needed.
pub fn find_route<'a>(routes: &'a [Route], path: &str) -> Option<&'a Route> {
    let exact = routes
        .iter()
        .find(|route| matches!(&route.path, RoutePath::Exact(own) if own.eq_ignore_ascii_case(path)));
    exact.or_else(|| {
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

fn is_below(prefix: &str, path: &str) -> bool {
    if prefix == "/" {
        return true;
    }
    path.split_at_checked(prefix.len()).is_some_and(|(head, rest)| {
        head.eq_ignore_ascii_case(prefix) && (rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: RoutePath) -> Route {
        Route { path, scopes: Vec::new(), claims_to_headers: Default::default() }
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
}
