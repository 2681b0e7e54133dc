//! The imports of the protocol world, answered by the kernel.
//!
//! What a component hands over is bounded here; what the kernel hands back is not, because it is
//! the kernel's own.

use std::sync::Arc;

use postern_kernel::clock::Timestamp;
use postern_kernel::flow::Renewal;
use postern_kernel::keys;
use postern_kernel::services::{MAX_RANDOM, ModuleServices};
use postern_kernel::store::{self, Application};

use super::ProtocolState;
use super::bindings::postern::idp::kernel as wit;
use super::bindings::postern::idp::types::{self, Claim, RelyingParty};
use crate::bounds;
use crate::call::CallState;
use crate::log::Level;
use crate::stop::Stop;

/// Bytes.
const IDENTIFIER: usize = 2_048;
const ARTIFACT_KEY: usize = 512;
const ARTIFACT: usize = 64 << 10;
const GRANT_DATA: usize = 32 << 10;
const AUDIT_FIELDS: usize = 16;
const AUDIT_VALUE: usize = 512;

impl types::Host for ProtocolState {}

impl wit::Host for ProtocolState {
    fn base_url(&mut self) -> wasmtime::Result<String> {
        Ok(self.services()?.base_url().into())
    }

    fn settings(&mut self) -> wasmtime::Result<String> {
        Ok(self.services()?.settings().into())
    }

    async fn find_relying_party(&mut self, identifier: String) -> wasmtime::Result<Option<RelyingParty>> {
        let services = self.counted()?;
        if identifier.len() > IDENTIFIER {
            // Longer than any that can be registered, and the peer's choice: not the module's fault.
            return Ok(None);
        }
        let found = self.wait(services.find_relying_party(&identifier)).await?;
        Ok(found.map_err(Stop::from)?.map(relying_party))
    }

    async fn relying_party_by_id(&mut self, id: String) -> wasmtime::Result<Option<RelyingParty>> {
        let services = self.counted()?;
        bounds::size("relying-party-by-id", id.len(), IDENTIFIER)?;
        let found = self.wait(services.relying_party_by_id(&id)).await?;
        Ok(found.map_err(Stop::from)?.map(relying_party))
    }

    async fn check_secret(&mut self, relying_party: String, secret: String) -> wasmtime::Result<bool> {
        let services = self.counted()?;
        bounds::size("check-secret", relying_party.len(), IDENTIFIER)?;
        let checked = self.wait(services.check_secret(&relying_party, &secret)).await?;
        Ok(checked.map_err(Stop::from)?)
    }

    fn sign(&mut self, algorithm: types::Algorithm, message: Vec<u8>) -> wasmtime::Result<wit::Signature> {
        let made = self.services()?.sign(signing(algorithm), &message).map_err(Stop::from)?;
        Ok(wit::Signature { key_id: made.key_id, bytes: made.bytes })
    }

    fn published_keys(&mut self) -> wasmtime::Result<Vec<wit::PublicKey>> {
        Ok(self.services()?.published_keys().into_iter().map(public_key).collect())
    }

    fn verify(
        &mut self,
        algorithm: wit::PeerAlgorithm,
        spki: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<bool> {
        Ok(self.services()?.verify(peer(algorithm), &spki, &message, &signature))
    }

    async fn claims(&mut self, subject: String) -> wasmtime::Result<Option<Vec<Claim>>> {
        let services = self.counted()?;
        bounds::size("claims", subject.len(), IDENTIFIER)?;
        let found = self.wait(services.claims(&subject)).await?;
        let claim =
            |claim: postern_kernel::directory::Claim| Claim { name: claim.name, values: claim.values };
        Ok(found.map_err(Stop::from)?.map(|claims| claims.into_iter().map(claim).collect()))
    }

    fn pairwise_identifier(&mut self, sector: String, subject: String) -> wasmtime::Result<String> {
        Ok(self.services()?.pairwise_identifier(&sector, &subject))
    }

    async fn remember(&mut self, value: String, until: u64) -> wasmtime::Result<bool> {
        let services = self.counted()?;
        bounds::size("remember", value.len(), ARTIFACT_KEY)?;
        let remembered = self.wait(services.remember(&value, Timestamp(until))).await?;
        Ok(remembered.map_err(Stop::from)?)
    }

    async fn put(
        &mut self,
        key: String,
        value: Vec<u8>,
        grant: Option<String>,
        until: u64,
    ) -> wasmtime::Result<()> {
        let services = self.counted()?;
        bounds::size("put: key", key.len(), ARTIFACT_KEY)?;
        bounds::size("put: value", value.len(), ARTIFACT)?;
        let kept = self.wait(services.put(&key, &value, grant.as_deref(), Timestamp(until))).await?;
        Ok(kept.map_err(Stop::from)?)
    }

    async fn take(&mut self, key: String) -> wasmtime::Result<wit::Taken> {
        let services = self.counted()?;
        if key.len() > ARTIFACT_KEY {
            // A code or token that a peer made up.
            return Ok(wit::Taken::Absent);
        }
        let taken = self.wait(services.take(&key)).await?;
        Ok(match taken.map_err(Stop::from)? {
            store::Taken::Fresh(value) => wit::Taken::Fresh(value),
            store::Taken::Spent(grant) => wit::Taken::Spent(grant),
            store::Taken::Absent => wit::Taken::Absent,
        })
    }

    async fn create_grant(
        &mut self,
        relying_party: String,
        subject: String,
        session: Option<String>,
        data: String,
        until: u64,
    ) -> wasmtime::Result<String> {
        let services = self.counted()?;
        bounds::size("create-grant: relying-party", relying_party.len(), IDENTIFIER)?;
        bounds::size("create-grant: subject", subject.len(), IDENTIFIER)?;
        bounds::size("create-grant: data", data.len(), GRANT_DATA)?;
        let session = session.as_deref();
        let work = services.create_grant(&relying_party, &subject, session, &data, Timestamp(until));
        Ok(self.wait(work).await?.map_err(Stop::from)?)
    }

    async fn find_grant(&mut self, id: String) -> wasmtime::Result<Option<wit::Grant>> {
        let services = self.counted()?;
        if id.len() > ARTIFACT_KEY {
            return Ok(None);
        }
        let found = self.wait(services.find_grant(&id)).await?;
        Ok(found.map_err(Stop::from)?.map(grant))
    }

    async fn renew(&mut self, id: String) -> wasmtime::Result<wit::Renewal> {
        let services = self.counted()?;
        bounds::size("renew", id.len(), ARTIFACT_KEY)?;
        let judged = self.wait(services.renew(&id)).await?.map_err(Stop::from)?;
        Ok(match judged {
            Renewal::Granted => wit::Renewal::Granted,
            Renewal::Denied => wit::Renewal::Denied,
            Renewal::StepsDue => wit::Renewal::StepsDue,
            Renewal::Unavailable => wit::Renewal::Unavailable,
        })
    }

    async fn revoke_grant(&mut self, id: String) -> wasmtime::Result<()> {
        let services = self.counted()?;
        bounds::size("revoke-grant", id.len(), ARTIFACT_KEY)?;
        Ok(self.wait(services.revoke_grant(&id)).await?.map_err(Stop::from)?)
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.services()?.now().0)
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        let services = self.services()?;
        bounds::size("random", length as usize, MAX_RANDOM as usize)?;
        Ok(services.random(length))
    }

    fn log(&mut self, level: wit::Level, message: String) -> wasmtime::Result<()> {
        let services = self.services().ok().map(Arc::clone);
        let correlation = services.as_deref().map_or("", ModuleServices::correlation);
        let level = match level {
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
        };
        CallState::log(self, correlation, level, &message);
        Ok(())
    }

    fn audit(
        &mut self,
        event: String,
        relying_party: String,
        subject: Option<String>,
        fields: Vec<wit::AuditField>,
    ) -> wasmtime::Result<()> {
        let services = self.counted()?;
        bounds::code("audit: event", &event)?;
        bounds::line("audit: relying-party", &relying_party, AUDIT_VALUE)?;
        bounds::optional_line("audit: subject", subject.as_deref(), AUDIT_VALUE)?;
        bounds::count("audit: fields", fields.len(), AUDIT_FIELDS)?;
        for field in &fields {
            bounds::name("audit: field", &field.name, 64, "-_")?;
            bounds::line("audit: value", &field.value, AUDIT_VALUE)?;
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        let relying_party = (!relying_party.is_empty()).then_some(relying_party.as_str());
        services.audit(&event, relying_party, subject.as_deref(), &fields);
        Ok(())
    }
}

fn relying_party(application: Application) -> RelyingParty {
    let Application { id, name, identifier, settings, .. } = application;
    RelyingParty { id, name, identifier, settings }
}

fn grant(grant: store::Grant) -> wit::Grant {
    wit::Grant {
        id: grant.id,
        relying_party: grant.application,
        subject: grant.subject,
        data: grant.data,
        issued_at: grant.issued_at.0,
    }
}

fn public_key(key: keys::PublishedKey) -> wit::PublicKey {
    wit::PublicKey {
        key_id: key.key_id,
        algorithm: match key.algorithm {
            keys::SigningAlgorithm::Rs256 => types::Algorithm::Rs256,
            keys::SigningAlgorithm::Es256 => types::Algorithm::Es256,
            keys::SigningAlgorithm::EdDsa => types::Algorithm::EdDsa,
        },
        spki: key.spki,
        certificate: key.certificate,
        active: key.active,
    }
}

pub(super) fn signing(algorithm: types::Algorithm) -> keys::SigningAlgorithm {
    match algorithm {
        types::Algorithm::Rs256 => keys::SigningAlgorithm::Rs256,
        types::Algorithm::Es256 => keys::SigningAlgorithm::Es256,
        types::Algorithm::EdDsa => keys::SigningAlgorithm::EdDsa,
    }
}

fn peer(algorithm: wit::PeerAlgorithm) -> keys::PeerAlgorithm {
    match algorithm {
        wit::PeerAlgorithm::Rs256 => keys::PeerAlgorithm::Rs256,
        wit::PeerAlgorithm::Rs384 => keys::PeerAlgorithm::Rs384,
        wit::PeerAlgorithm::Rs512 => keys::PeerAlgorithm::Rs512,
        wit::PeerAlgorithm::Ps256 => keys::PeerAlgorithm::Ps256,
        wit::PeerAlgorithm::Es256 => keys::PeerAlgorithm::Es256,
        wit::PeerAlgorithm::Es384 => keys::PeerAlgorithm::Es384,
        wit::PeerAlgorithm::EdDsa => keys::PeerAlgorithm::EdDsa,
    }
}
