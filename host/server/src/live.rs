//! What can change while the server runs: modules, authenticators, pages, limits. Requests under
//! way keep what they began with.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use postern_endpoint::{Assets, ConfigurationError, Endpoint, EndpointPolicy, EndpointTable, Method};
use postern_kernel::flow::{Flow, ModuleSet};
use postern_kernel::module::{self, Audience};

use crate::edge::EdgeFeed;
use crate::pages::Pages;

/// Who serves a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    CommonAuth,
    Login,
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
            policy.endpoints.push(edge_feed_endpoint());
        }
        let table = EndpointTable::new(policy)?;
        let mut owners =
            BTreeMap::from([(COMMON_AUTH.to_owned(), Owner::CommonAuth), (LOGIN.to_owned(), Owner::Login)]);
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
const LOGIN: &str = "/authenticationendpoint/login";

/// A form of our pages: an identifier, a token, an action and a handful of fields.
const MAX_FORM: u32 = 16 * 1024;
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
        },
        Endpoint {
            path: LOGIN.into(),
            methods: vec![Method::Get],
            content_types: Vec::new(),
            max_body: 0,
            max_query: MAX_QUERY,
            query_parameters: transaction(),
            ignores_other_parameters: false,
        },
    ];
    for enabled in modules.protocols.values() {
        endpoints.extend(enabled.module.description().endpoints.iter().map(declared));
    }
    let assets = vec![Assets { prefix: crate::pages::ASSETS.into() }];
    EndpointPolicy::new(hosts, endpoints, assets)
}

fn edge_feed_endpoint() -> Endpoint {
    Endpoint {
        path: postern_feed::PATH.into(),
        methods: vec![Method::Get],
        content_types: Vec::new(),
        max_body: 0,
        max_query: 0,
        query_parameters: Vec::new(),
        ignores_other_parameters: false,
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
