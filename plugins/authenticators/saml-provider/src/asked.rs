//! What is asked of the identity provider, and kept until the person is back.

use serde::{Deserialize, Serialize};

use crate::bindings::postern::idp::demands::Demand;
use crate::settings::Settings;

/// Of one request.
#[derive(Deserialize, Serialize)]
pub(crate) struct Asked {
    /// Its ID: the Response has to answer it.
    pub(crate) id: String,
    /// When the person has to have proven there who they are, at the earliest. None: it does not matter.
    pub(crate) authenticated_since: Option<u64>,
    /// Seconds that it may be old when the person is back. None: it does not matter, or it must not be older than
    /// the request.
    pub(crate) max_age: Option<u64>,
}

impl Asked {
    pub(crate) fn new(id: &str, settings: &Settings, demand: &Demand, now: u64) -> Self {
        let is_fresh = demand.fresh || settings.written.force || demand.max_age == Some(0);
        Self {
            id: id.into(),
            authenticated_since: is_fresh.then_some(now),
            max_age: demand.max_age.filter(|age| *age > 0),
        }
    }

    /// Whether the person has to prove it there anew. SAML knows no greatest age: where one is asked for, a session
    /// there would be refused afterwards, and nobody gets on.
    pub(crate) fn force(&self) -> bool {
        self.authenticated_since.is_some() || self.max_age.is_some()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn read(state: &[u8]) -> Option<Self> {
        serde_json::from_slice(state).ok()
    }
}

/// Authentication contexts, one of which is asked for: the operator's, or those that are worth here what the
/// application wants.
pub(crate) fn contexts(settings: &Settings, demand: &Demand) -> Vec<String> {
    let written = &settings.written;
    if !written.request_contexts.is_empty() {
        return written.request_contexts.clone();
    }
    let wanted = written.contexts.iter().filter(|(_, ours)| demand.contexts.contains(*ours));
    wanted.map(|(theirs, _)| theirs.clone()).collect()
}
