//! What can change while the server runs: modules, authenticators, pages, limits. Requests under
//! way keep what they began with.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use postern_endpoint::{Assets, ConfigurationError, Endpoint, EndpointPolicy, EndpointTable, Method};
use postern_kernel::flow::{Flow, ModuleSet, OwnPage, RETURN};
use postern_kernel::module::{self, Audience};

use crate::edge::EdgeFeed;
use crate::pages::Pages;

/// Who serves a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    CommonAuth,
    Login,
    /// Where people come back to whom this authenticator sent elsewhere.
    Return(String),
    /// Where browsers are asked for a Kerberos ticket.
    Negotiate,
    /// A page of the person's own.
    Own(OwnPage),
    /// For the proxy itself.
    EdgeFeed,
    Module {
        name: String,
        audience: Audience,
    },
}

/// What requests are served with.
pub(crate) struct Live {
    pub(crate) flow: Flow,
    pub(crate) table: EndpointTable,
    /// By path.
    pub(crate) owners: BTreeMap<String, Owner>,
    pub(crate) pages: Pages,
    pub(crate) edge_feed: Option<EdgeFeed>,
}

impl Live {
    /// # Errors
    /// Names the path that two modules declare, or that is never public.
    pub(crate) fn new(
        flow: Flow,
        pages: Pages,
        hosts: Vec<String>,
        edge_feed: Option<EdgeFeed>,
    ) -> Result<Self, ConfigurationError> {
        let modules = flow.modules();
        let mut policy = policy(&modules, hosts);
        if edge_feed.is_some() {
            // Here alone: what the DMZ lets through is the policy without it.
            policy.endpoints.push(without_query(postern_feed::PATH));
        }
        let table = EndpointTable::new(policy)?;
        let mut owners =
            BTreeMap::from([(COMMON_AUTH.to_owned(), Owner::CommonAuth), (LOGIN.to_owned(), Owner::Login)]);
        for page in modules.pages() {
            owners.insert(page.path().to_owned(), Owner::Own(page));
        }
        for name in returns(&modules) {
            owners.insert(format!("{RETURN}{name}"), Owner::Return(name.clone()));
        }
        if takes_tickets(&modules) {
            owners.insert(NEGOTIATE.to_owned(), Owner::Negotiate);
        }
        if edge_feed.is_some() {
            owners.insert(postern_feed::PATH.to_owned(), Owner::EdgeFeed);
        }
        for (name, enabled) in &modules.protocols {
            for endpoint in &enabled.module.description().endpoints {
                let owner = Owner::Module { name: name.clone(), audience: endpoint.audience };
                owners.insert(endpoint.path.clone(), owner);
            }
        }
        Ok(Self { flow, table, owners, pages, edge_feed })
    }
}

const COMMON_AUTH: &str = "/commonauth";
/// Where authenticators send people whom they want a ticket of.
const NEGOTIATE: &str = "/commonauth/negotiate";
const LOGIN: &str = "/authenticationendpoint/login";

/// A form of our pages: an identifier, a token, an action and a handful of fields.
const MAX_FORM: u32 = 16 * 1024;
/// A SAML Response with encrypted assertions and many attributes.
const MAX_RETURNED: u32 = 256 * 1024;
/// A code, a state, and what providers add.
const MAX_RETURNED_QUERY: u32 = 16 * 1024;
/// `t=` and an identifier.
const MAX_QUERY: u32 = 128;

/// The one source of the public listener's routes and of the DMZ's allowlist: what the enabled
/// modules declare, and the sign-on pages.
pub(crate) fn policy(modules: &ModuleSet, hosts: Vec<String>) -> EndpointPolicy {
    let transaction = || vec!["t".to_owned()];
    let mut endpoints = vec![
        Endpoint {
            path: COMMON_AUTH.into(),
            methods: vec![Method::Get, Method::Post],
            content_types: vec!["application/x-www-form-urlencoded".into()],
            max_body: MAX_FORM,
            max_query: MAX_QUERY,
            query_parameters: transaction(),
            ignores_other_parameters: false,
            posted_query_parameters: None,
        },
        Endpoint {
            path: LOGIN.into(),
            methods: vec![Method::Get],
            content_types: Vec::new(),
            max_body: 0,
            max_query: MAX_QUERY,
            query_parameters: transaction(),
            ignores_other_parameters: false,
            posted_query_parameters: None,
        },
    ];
    endpoints.extend(returns(modules).map(come_back));
    if takes_tickets(modules) {
        endpoints.push(Endpoint {
            max_query: MAX_QUERY,
            query_parameters: vec!["state".to_owned()],
            ..without_query(NEGOTIATE)
        });
    }
    endpoints.extend(modules.pages().into_iter().map(|page| without_query(page.path())));
    for enabled in modules.protocols.values() {
        endpoints.extend(enabled.module.description().endpoints.iter().map(declared));
    }
    let assets = vec![Assets { prefix: crate::pages::ASSETS.into() }];
    EndpointPolicy::new(hosts, endpoints, assets)
}

/// The authenticators that may send people elsewhere.
fn returns(modules: &ModuleSet) -> impl Iterator<Item = &String> {
    let sending = modules.authenticators.iter().filter(|enabled| enabled.redirects.is_some());
    sending.map(|enabled| &enabled.module.description().name)
}

/// Whether there is an authenticator that Kerberos tickets are judged for, and that may send people anywhere.
fn takes_tickets(modules: &ModuleSet) -> bool {
    modules.authenticators.iter().any(|enabled| enabled.redirects.is_some() && enabled.module.takes_tickets())
}

/// What an outside provider answers: by GET, or by a POST from its own site.
fn come_back(name: &String) -> Endpoint {
    Endpoint {
        path: format!("{RETURN}{name}"),
        methods: vec![Method::Get, Method::Post],
        content_types: vec!["application/x-www-form-urlencoded".into()],
        max_body: MAX_RETURNED,
        max_query: MAX_RETURNED_QUERY,
        query_parameters: ["state", "RelayState", "handle"].map(str::to_owned).to_vec(),
        ignores_other_parameters: true,
        posted_query_parameters: Some(Vec::new()),
    }
}

fn without_query(path: &str) -> Endpoint {
    Endpoint {
        path: path.into(),
        methods: vec![Method::Get],
        content_types: Vec::new(),
        max_body: 0,
        max_query: 0,
        query_parameters: Vec::new(),
        ignores_other_parameters: false,
        posted_query_parameters: None,
    }
}

fn declared(endpoint: &module::Endpoint) -> Endpoint {
    let method = |method: &module::Method| match method {
        module::Method::Get => Method::Get,
        module::Method::Post => Method::Post,
    };
    Endpoint {
        path: endpoint.path.clone(),
        methods: endpoint.methods.iter().map(method).collect(),
        content_types: endpoint.content_types.clone(),
        max_body: endpoint.max_body,
        max_query: endpoint.max_query,
        query_parameters: endpoint.query_parameters.clone(),
        ignores_other_parameters: endpoint.ignores_other_parameters,
        posted_query_parameters: None,
    }
}

/// What is live now.
#[derive(Clone)]
pub(crate) struct Current(Arc<RwLock<Arc<Live>>>);

impl Current {
    pub(crate) fn new(live: Live) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(live))))
    }

    pub(crate) fn get(&self) -> Arc<Live> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, live: Live) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
    }
}
