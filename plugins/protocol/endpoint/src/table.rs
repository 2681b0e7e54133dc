//! The table of endpoints, and its verdict on a request.

use postern_refusal::Refusal;

use crate::content::{self, Body};
use crate::declaration::{Assets, ConfigurationError, Endpoint, EndpointPolicy, Method};
use crate::header;
use crate::limits::RequestLimits;
use crate::never_public::{is_never_public, reaches_never_public};
use crate::query;
use crate::report_only::Report;
use crate::target::RequestTarget;

/// Longest path below an asset prefix, in bytes.
const MAX_ASSET: usize = 128;

/// The endpoints that may be reached. Anything else may not.
#[derive(Clone, Debug)]
pub struct EndpointTable {
    hosts: Vec<String>,
    /// In order of their paths.
    endpoints: Vec<Endpoint>,
    assets: Vec<Assets>,
    limits: RequestLimits,
    /// What static files take: no query and no body.
    bare: Endpoint,
    /// What a path is judged by whose rule only reports.
    unlisted: Endpoint,
}

/// A request as it came, as raw bytes.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a, H> {
    /// `GET`.
    pub method: &'a [u8],
    /// The request target of the request line, or `:path`.
    pub target: &'a [u8],
    /// Host, or `:authority`.
    pub authority: &'a [u8],
    /// Name and value of every header but the pseudo headers.
    pub headers: H,
    /// Whether the transport says that a body follows.
    pub has_body: bool,
}

/// What an accepted request reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'t> {
    /// A declared endpoint.
    Endpoint(&'t Endpoint),
    /// A static file.
    Asset(&'t Assets),
    /// Nothing that is declared, where `endpoint.path.unknown` only reports.
    Unlisted,
}

/// A request that may go on, as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted<'t, 'a> {
    /// What it reaches.
    pub place: Place<'t>,
    /// Its method.
    pub method: Method,
    /// Path and query, as they came.
    pub target: RequestTarget<'a>,
    /// Its body.
    pub body: Body,
    /// Whether there are headers for the DMZ to take off: those of [`crate::is_stripped`].
    pub strips: bool,
}

impl EndpointTable {
    /// Builds the table.
    ///
    /// # Errors
    /// Names the field: a path that is not canonical, stands there twice or is never public, an
    /// endpoint without methods, no host.
    pub fn new(policy: EndpointPolicy) -> Result<Self, ConfigurationError> {
        let EndpointPolicy { hosts, mut endpoints, assets, limits, edge } = policy;
        limits.check()?;
        edge.check(&endpoints)?;
        require_hosts(&hosts)?;
        for (index, endpoint) in endpoints.iter().enumerate() {
            require_endpoint(endpoint).map_err(|(field, problem)| {
                ConfigurationError::new(&format!("endpoints[{index}].{field}"), &problem)
            })?;
        }
        for (index, asset) in assets.iter().enumerate() {
            require_prefix(&asset.prefix)
                .map_err(|problem| ConfigurationError::new(&format!("assets[{index}].prefix"), &problem))?;
        }
        endpoints.sort_by(|one, other| one.path.cmp(&other.path));
        let twice = endpoints.windows(2).find_map(|pair| match pair {
            [one, other] if one.path == other.path => Some(&one.path),
            _ => None,
        });
        if let Some(path) = twice {
            return Err(ConfigurationError::new("endpoints", &format!("{path} stands there twice")));
        }
        let unlisted = unlisted(&endpoints);
        Ok(Self { hosts, endpoints, assets, limits, bare: bare_endpoint(), unlisted })
    }

    /// The endpoints, in order of their paths.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Judges a request.
    ///
    /// # Errors
    /// What [`RequestTarget::parse`] refuses (400, 414), and
    /// - `endpoint.host.unknown` (421)
    /// - `endpoint.path.unknown`, `endpoint.path.never-public` (404)
    /// - `endpoint.method.not-allowed` (405): `expected` is the value for Allow
    /// - `endpoint.header.*`, `endpoint.framing.*` (400, 417, 431)
    /// - `endpoint.query.too-long` (414), `endpoint.parameter.*` (400, 414), `form.*` (400)
    /// - `endpoint.body.*` (400, 413), `endpoint.content-type.*` (415)
    pub fn judge<'t, 'a, H>(&'t self, request: &Incoming<'a, H>) -> Result<Accepted<'t, 'a>, Refusal>
    where
        H: Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    {
        self.judge_reporting(request, &mut Err)
    }

    /// The same, where `report` decides whether a rule that may be switched to report-only
    /// ([`crate::SWITCHABLE`]) refuses: the refusal that it gives back is the verdict, and `Ok` lets
    /// the request go on to the other rules.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn judge_reporting<'t, 'a, H>(
        &'t self,
        request: &Incoming<'a, H>,
        report: &mut Report<'_>,
    ) -> Result<Accepted<'t, 'a>, Refusal>
    where
        H: Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    {
        if request.method == b"CONNECT" {
            // Its target is an authority, which proxies and HTTP/2 do not show as a path.
            return Err(Refusal::misbehaved("endpoint.target.authority-form")
                .at("method")
                .expected("no tunnel")
                .found("CONNECT"));
        }
        let target = RequestTarget::parse(request.target)?;
        self.require_host(request.authority).or_else(&mut *report)?;
        let place = self.place(target.path(), report)?;
        let endpoint = match place {
            Place::Endpoint(endpoint) => endpoint,
            Place::Asset(_) => &self.bare,
            Place::Unlisted => &self.unlisted,
        };
        let method = allowed_method(endpoint, request.method, report)?;
        let framing = header::judge(request.headers.clone(), &self.limits)?;
        query::judge(target.query_bytes(), method, endpoint, &self.limits, report)?;
        let body = content::judge(method, endpoint, &framing, request.has_body, report)?;
        Ok(Accepted { place, method, target, body, strips: framing.strips })
    }

    fn require_host(&self, authority: &[u8]) -> Result<(), Refusal> {
        // In lower case, which is its normal form (RFC 3986 section 6.2.2.1) and what browsers send: the LAN
        // may build URLs of what it is told.
        if self.hosts.iter().any(|host| host.as_bytes() == authority) {
            return Ok(());
        }
        Err(Refusal::misbehaved("endpoint.host.unknown")
            .with_status(421)
            .at("Host")
            .expected(&self.hosts.join(", "))
            .found_bytes(authority))
    }

    fn place(&self, path: &str, report: &mut Report<'_>) -> Result<Place<'_>, Refusal> {
        if let Ok(index) = self.endpoints.binary_search_by(|endpoint| endpoint.path.as_str().cmp(path))
            && let Some(endpoint) = self.endpoints.get(index)
        {
            return Ok(Place::Endpoint(endpoint));
        }
        if let Some(asset) = self.assets.iter().find(|asset| is_asset(path, &asset.prefix)) {
            return Ok(Place::Asset(asset));
        }
        let refused = |code| {
            Refusal::misbehaved(code)
                .with_status(404)
                .at("request target")
                .expected("a declared endpoint")
                .found(path)
        };
        if is_never_public(path) {
            return Err(refused("endpoint.path.never-public"));
        }
        report(refused("endpoint.path.unknown")).map(|()| Place::Unlisted)
    }
}

/// Static files take no query and no body.
fn bare_endpoint() -> Endpoint {
    Endpoint {
        path: String::new(),
        methods: vec![Method::Get],
        content_types: Vec::new(),
        max_body: 0,
        max_query: 0,
        query_parameters: Vec::new(),
        ignores_other_parameters: false,
        posted_query_parameters: None,
    }
}

/// What any endpoint takes.
fn unlisted(endpoints: &[Endpoint]) -> Endpoint {
    let mut content_types: Vec<String> =
        endpoints.iter().flat_map(|endpoint| endpoint.content_types.iter().cloned()).collect();
    content_types.sort();
    content_types.dedup();
    let largest = |of: fn(&Endpoint) -> u32| endpoints.iter().map(of).max().unwrap_or(0);
    Endpoint {
        path: String::new(),
        methods: vec![Method::Get, Method::Post],
        content_types,
        max_body: largest(|endpoint| endpoint.max_body),
        max_query: largest(|endpoint| endpoint.max_query),
        query_parameters: Vec::new(),
        ignores_other_parameters: true,
        posted_query_parameters: None,
    }
}

fn allowed_method(endpoint: &Endpoint, method: &[u8], report: &mut Report<'_>) -> Result<Method, Refusal> {
    let known = Method::from_bytes(method);
    if let Some(known) = known
        && endpoint.methods.contains(&known)
    {
        return Ok(known);
    }
    let allowed: Vec<&str> = endpoint.methods.iter().map(|method| method.as_str()).collect();
    let refusal = Refusal::misbehaved("endpoint.method.not-allowed")
        .with_status(405)
        .at("method")
        .expected(&allowed.join(", "))
        .found_bytes(method);
    match known {
        Some(known) => report(refusal).map(|()| known),
        // There are no others, whatever is only reported.
        None => Err(refusal),
    }
}

/// What a static file may be, by the end of its name. A server runs some of the files that lie beside
/// them, such as the `.jsp` in WSO2's `/authenticationendpoint/extensions/`.
#[rustfmt::skip]
pub const STATIC_FILES: [&str; 27] = [
    "avif", "css", "cur", "eot", "gif", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "map", "mjs", "otf",
    "pdf", "png", "svg", "ttf", "txt", "wasm", "webmanifest", "webp", "woff", "woff2", "xml", "xsl",
];

/// Names of letters, digits, `-`, `_` and `.`, none of them hidden, the last one that of a static file.
fn is_asset(path: &str, prefix: &str) -> bool {
    let Some(rest) = path.strip_prefix(prefix) else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_static = rest
        .rsplit_once('.')
        .is_some_and(|(_, end)| STATIC_FILES.iter().any(|known| known.eq_ignore_ascii_case(end)));
    is_static
        && rest.len() <= MAX_ASSET
        && rest.split('/').all(|name| !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain))
}

fn require_hosts(hosts: &[String]) -> Result<(), ConfigurationError> {
    if hosts.is_empty() {
        return Err(ConfigurationError::new("hosts", "name at least one public host"));
    }
    for (index, host) in hosts.iter().enumerate() {
        let plain = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
        };
        if host.is_empty() || !host.bytes().all(plain) {
            let problem = format!("{host:?} is not a host name in lower case with an optional port");
            return Err(ConfigurationError::new(&format!("hosts[{index}]"), &problem));
        }
    }
    Ok(())
}

fn require_endpoint(endpoint: &Endpoint) -> Result<(), (&'static str, String)> {
    let path = endpoint.path.as_str();
    require_literal_path(path).map_err(|problem| ("path", problem))?;
    if path.ends_with('/') {
        return Err(("path", format!("{path:?} ends in a slash")));
    }
    if is_never_public(path) {
        return Err(("path", format!("{path} is never public, no policy can expose it")));
    }
    if endpoint.methods.is_empty() {
        return Err(("methods", "name at least one".to_owned()));
    }
    let is_media_type = |text: &String| {
        text.split_once('/').is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && !byte.is_ascii_uppercase())
    };
    if let Some(text) = endpoint.content_types.iter().find(|text| !is_media_type(text)) {
        return Err((
            "content_types",
            format!("{text:?} is not a media type in lower case without parameters"),
        ));
    }
    let is_literal = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let named = |field, mut names: core::slice::Iter<'_, String>| match names.find(|name| !is_literal(name)) {
        Some(name) => Err((field, format!("{name:?} is not a literal parameter name"))),
        None => Ok(()),
    };
    named("query_parameters", endpoint.query_parameters.iter())?;
    named("posted_query_parameters", endpoint.posted_query_parameters.as_deref().unwrap_or_default().iter())?;
    Ok(())
}

fn require_prefix(prefix: &str) -> Result<(), String> {
    require_literal_path(prefix)?;
    if !prefix.ends_with('/') {
        return Err(format!("{prefix:?} does not end in a slash"));
    }
    if reaches_never_public(prefix) {
        return Err(format!("{prefix:?} reaches paths that are never public"));
    }
    Ok(())
}

/// A path that is canonical and needs no escape.
fn require_literal_path(path: &str) -> Result<(), String> {
    let canonical = RequestTarget::parse(path.as_bytes()).map_err(|refusal| refusal.to_string())?;
    if canonical.query().is_some() || path.contains('%') {
        return Err(format!("{path:?} is not a plain path"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
