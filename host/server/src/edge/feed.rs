//! The signed document by which a change of modules or registrations reaches a running proxy.

use std::sync::Arc;

use axum::body::Bytes;
use postern_edge::{CALLOUT_CLUSTER, EdgePolicy, filter_configurations};
use postern_feed::{InForce, Sections, Source, UnsignedFeed};
use postern_jose::{PublishedKey, write_key_set};
use postern_kernel::flow::Flow;
use postern_kernel::keys::SigningAlgorithm;
use postern_kernel::services::Installation;
use tokio::sync::Mutex;

use super::signer::{self, SigningKey};
use crate::cli::Failure;
use crate::compose;
use crate::config::{ClientCertificate, Configuration};

/// Where the store keeps what was served last.
const VALUE: &str = "edge.feed";
/// Seconds for which a document is served without a look at the registrations. With the filters'
/// interval it bounds the time until a change is in force.
const FRESH: u64 = 2;
/// Seconds from one look of a filter to the next.
const INTERVAL: u64 = 5;

/// Serves the document.
pub(crate) struct EdgeFeed {
    configuration: Configuration,
    last: Mutex<Option<Arc<Document>>>,
}

/// A signed document.
pub(crate) struct Document {
    /// Identifies the content.
    pub(crate) in_force: InForce,
    pub(crate) bytes: Bytes,
    /// Whose signature it has.
    key_id: String,
    made_at: u64,
}

impl EdgeFeed {
    /// None when there is no edge, or its proxy shows no certificate: the document is for a proxy
    /// that does.
    pub(crate) fn new(configuration: &Configuration) -> Option<Self> {
        let is_served = configuration.edge.is_some()
            && configuration.public.client_certificate == ClientCertificate::Required;
        is_served.then(|| Self { configuration: configuration.clone(), last: Mutex::default() })
    }

    /// What is registered now, or was a moment ago.
    pub(crate) async fn document(&self, flow: &Flow) -> Result<Arc<Document>, Failure> {
        let installation = flow.installation();
        let mut last = self.last.lock().await;
        let now = installation.clock.now().0;
        if let Some(document) = last.as_ref().filter(|document| now.saturating_sub(document.made_at) < FRESH)
        {
            return Ok(Arc::clone(document));
        }
        let edge = self.configuration.edge.as_ref().ok_or_else(|| Failure::new("there is no edge"))?;
        let applications = compose::applications(installation.store.as_ref()).await?;
        let policy = super::policy(edge, &flow.modules(), &applications, &self.configuration)?;
        let sections = sections(&policy)?;
        let in_force = in_force(&sections, installation).await?;
        let signer = signer::signing_key(installation.keys.as_ref(), installation.store.as_ref()).await?;
        // The same content is signed again when another key signs now: the old one is about to be given up.
        let is_current =
            |document: &&Arc<Document>| document.in_force == in_force && document.key_id == signer.key_id;
        let bytes = match last.as_ref().filter(is_current) {
            Some(document) => document.bytes.clone(),
            None => sign(sections, &in_force, &signer, installation)?,
        };
        let document = Arc::new(Document { in_force, bytes, key_id: signer.key_id, made_at: now });
        *last = Some(Arc::clone(&document));
        Ok(document)
    }
}

/// The policy, whose filters look for newer ones.
pub(crate) async fn with_feed(
    mut policy: EdgePolicy,
    configuration: &Configuration,
    installation: &Installation,
) -> Result<EdgePolicy, Failure> {
    if configuration.public.client_certificate != ClientCertificate::Required {
        return Ok(policy);
    }
    let in_force = in_force(&sections(&policy)?, installation).await?;
    let published = signer::published(installation.keys.as_ref(), installation.store.as_ref()).await?;
    let keys: Vec<PublishedKey<'_>> = published
        .iter()
        .map(|key| PublishedKey { key_id: &key.key_id, algorithm: postern_feed::ALGORITHM, spki: &key.spki })
        .collect();
    let keys = write_key_set(&keys).map_err(Failure::new)?;
    let base_url = &configuration.base_url;
    let mut source = Source {
        cluster: CALLOUT_CLUSTER.into(),
        authority: base_url.strip_prefix("https://").unwrap_or_default().into(),
        issuer: base_url.clone(),
        keys: serde_json::from_str(&keys).map_err(Failure::new)?,
        in_force,
        interval_seconds: INTERVAL,
    };
    for path in configuration.edge.iter().flat_map(|edge| &edge.feed_keys) {
        let wrong = |error: String| Failure::usage(format!("edge.feed_keys: {}: {error}", path.display()));
        let keys = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        source.accept_keys(&keys).map_err(|refusal| wrong(refusal.to_string()))?;
    }
    policy.feed = Some(source);
    Ok(policy)
}

fn sections(policy: &EdgePolicy) -> Result<Sections, Failure> {
    let sections = filter_configurations(policy).map_err(Failure::usage)?;
    Ok(Sections::new(sections.into_iter().map(|(name, section)| (name.to_owned(), section)).collect()))
}

/// The number of this content: the one that it had, or a greater one than all before. It follows
/// the clock, so that a restored backup does not fall behind what filters have seen.
async fn in_force(sections: &Sections, installation: &Installation) -> Result<InForce, Failure> {
    let kept = installation.store.installation_value(VALUE).await?;
    let kept: Option<InForce> = kept.and_then(|value| serde_json::from_slice(&value).ok());
    let digest = sections.digest().to_owned();
    let before = match kept {
        Some(kept) if kept.digest == digest => return Ok(kept),
        kept => kept.map_or(0, |kept| kept.sequence),
    };
    let sequence = before.saturating_add(1).max(installation.clock.now().0);
    let made = InForce { sequence, digest };
    let value = serde_json::to_vec(&made).map_err(Failure::new)?;
    installation.store.set_installation_value(VALUE, &value).await?;
    Ok(made)
}

fn sign(
    sections: Sections,
    in_force: &InForce,
    signer: &SigningKey,
    installation: &Installation,
) -> Result<Bytes, Failure> {
    let SigningKey { slot, key_id } = signer;
    let now = installation.clock.now().0;
    let unsigned = UnsignedFeed::new(key_id, &installation.base_url, in_force.sequence, now, sections);
    let signature = installation.keys.sign(slot, SigningAlgorithm::Es256, unsigned.signing_input())?;
    // Another node may have rotated in between: a signature under another key's name is none.
    if signature.key_id != *key_id {
        return Err(Failure::new("the key of the edge has just changed: the next look finds the new one"));
    }
    Ok(unsigned.with_signature(&signature.bytes).into())
}
