//! What a protocol says of itself, checked. The router and the DMZ's allowlist are made of it.

use postern_kernel::module::{Audience, Description, Endpoint, Method};

use super::bindings::postern::idp::types as wit_types;
use super::kernel::signing;
use super::wit;
use crate::bounds;
use crate::stop::Stop;

const ENDPOINTS: usize = 32;
const PATH: usize = 128;
/// Bytes of a request that an endpoint may ask for.
const BODY: u32 = 1 << 20;
const QUERY: u32 = 64 << 10;
const NAMES: usize = 64;
const NAME: usize = 64;

pub(super) fn description(description: wit::Description) -> Result<Description, Stop> {
    bounds::name("name", &description.name, 32, "-")?;
    bounds::filled("title", &description.title, 64)?;
    bounds::count("endpoints", description.endpoints.len(), ENDPOINTS)?;
    bounds::distinct("endpoints", description.endpoints.iter().map(|endpoint| &endpoint.path))?;
    bounds::count("signing", description.signing.len(), 3)?;
    names("edge-fields", &description.edge_fields)?;
    let signing: Vec<_> = description.signing.into_iter().map(signing).collect();
    bounds::distinct("signing", &signing)?;
    Ok(Description {
        name: description.name,
        title: description.title,
        endpoints: description.endpoints.into_iter().map(endpoint).collect::<Result<_, _>>()?,
        signing,
        edge_fields: description.edge_fields,
    })
}

fn endpoint(endpoint: wit_types::Endpoint) -> Result<Endpoint, Stop> {
    path(&endpoint.path)?;
    let methods: Vec<Method> = endpoint.methods.into_iter().map(method).collect();
    bounds::count("methods", methods.len(), 2)?;
    if methods.is_empty() || methods.first() == methods.get(1) {
        return Err(Stop::output(format_args!("{}: methods: none, or twice the same", endpoint.path)));
    }
    bounds::count("content-types", endpoint.content_types.len(), 8)?;
    bounds::distinct("content-types", &endpoint.content_types)?;
    for content_type in &endpoint.content_types {
        bounds::media_type("content-types", content_type)?;
    }
    let has_body = !endpoint.content_types.is_empty();
    if has_body != (endpoint.max_body > 0) || (has_body && !methods.contains(&Method::Post)) {
        return Err(Stop::output(format_args!(
            "{}: content-types, max-body and POST go together",
            endpoint.path
        )));
    }
    if endpoint.max_body > BODY || endpoint.max_query > QUERY {
        return Err(Stop::output(format_args!(
            "{}: max-body is at most {BODY}, max-query {QUERY}",
            endpoint.path
        )));
    }
    names("query-parameters", &endpoint.query_parameters)?;
    Ok(Endpoint {
        path: endpoint.path,
        methods,
        content_types: endpoint.content_types,
        max_body: endpoint.max_body,
        max_query: endpoint.max_query,
        query_parameters: endpoint.query_parameters,
        ignores_other_parameters: endpoint.ignores_other_parameters,
        audience: match endpoint.audience {
            wit_types::Audience::Browser => Audience::Browser,
            wit_types::Audience::Machine => Audience::Machine,
        },
    })
}

/// An absolute path of plain segments: nothing to decode, nothing to normalise.
fn path(path: &str) -> Result<(), Stop> {
    bounds::size("path", path.len(), PATH)?;
    let is_plain = |segment: &str| {
        !segment.is_empty()
            && !matches!(segment, "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    match path.strip_prefix('/') {
        Some(segments) if segments.split('/').all(is_plain) => Ok(()),
        _ => Err(Stop::output(format_args!("path: {path:?} is not absolute and plain"))),
    }
}

fn names(what: &str, names: &[String]) -> Result<(), Stop> {
    bounds::count(what, names.len(), NAMES)?;
    bounds::distinct(what, names)?;
    names.iter().try_for_each(|name| bounds::name(what, name, NAME, "-_.:"))
}

fn method(method: wit_types::Method) -> Method {
    match method {
        wit_types::Method::Get => Method::Get,
        wit_types::Method::Post => Method::Post,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for good in [
            "/samlsso",
            "/oauth2/token",
            "/.well-known/openid-configuration",
            "/FederationMetadata/2007-06/x.xml",
        ] {
            assert!(path(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/", "samlsso", "/a/", "//a", "/a//b", "/../a", "/a/.", "/a%2fb", "/a;b", "/a?b", "/a b",
            "/ä", "/*",
        ] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
