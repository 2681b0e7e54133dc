//! What modules may ask of the kernel: the Rust side of `wit/kernel.wit` and of `accounts` in
//! `wit/authenticator.wit`. The sandbox links exactly these calls and no others.

mod authenticator;

use std::sync::Arc;

use crate::audit::{Audit, Event};
use crate::clock::{Clock, Timestamp};
use crate::directory::{Claim, Directory};
use crate::flow::{Renewal, Renewals};
use crate::kerberos::Tickets;
use crate::keys::{KeyRing, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::randomness::{Randomness, fingerprint, identifier};
use crate::store::{Application, Grant, SignedIn, Store, Taken};
use crate::throttle::Throttle;
use crate::unavailable::Unavailable;

pub use authenticator::{
    AttributeError, AuthenticatorCall, AuthenticatorServices, CredentialError, Found, IndexedCredential,
    MAX_HANDLE, MessageError, PasswordCheck, PostedTwice, Sending, TicketVerdict, TooManyRequests,
    TooManyTickets, TooManyUses,
};

/// Most random bytes that one call yields.
pub const MAX_RANDOM: u32 = 1_024;

/// What an installation is made of. One for the life of the process.
pub struct Installation {
    /// Public origin without a trailing slash: `https://sso.example.com`.
    pub base_url: String,
    /// State.
    pub store: Arc<dyn Store>,
    /// User store.
    pub directory: Arc<dyn Directory>,
    /// Signing keys.
    pub keys: Arc<dyn KeyRing>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub randomness: Arc<dyn Randomness>,
    /// Audit log.
    pub audit: Arc<dyn Audit>,
    /// Limits on failed sign-ins.
    pub throttle: Throttle,
    /// Mail to people. `None`: the operator has set up none.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Calls of authenticators to hosts outside. `None`: the operator has granted none.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Kerberos tickets. `None`: the operator has set up no keytab.
    pub tickets: Option<Arc<dyn Tickets>>,
}

/// What a protocol module may ask for during one request. Scoped to the module: its own relying
/// parties, keys, artifacts and grants.
pub struct ModuleServices {
    installation: Arc<Installation>,
    module: String,
    settings: String,
    correlation: String,
    /// The sign-in that the module is told of.
    signed_in: Option<SignedIn>,
    /// Who judges renewals, where a policy does.
    renewals: Option<Renewals>,
}

impl ModuleServices {
    /// The services of `module` for the request `correlation`, with the module's settings as JSON.
    pub fn new(installation: Arc<Installation>, module: &str, settings: &str, correlation: &str) -> Self {
        Self {
            installation,
            module: module.into(),
            settings: settings.into(),
            correlation: correlation.into(),
            signed_in: None,
            renewals: None,
        }
    }

    /// The same for a module that is told of this sign-in: grants remember it.
    #[must_use]
    pub fn told_of(self, signed_in: Option<SignedIn>) -> Self {
        Self { signed_in, ..self }
    }

    /// The same with who judges renewals.
    #[must_use]
    pub fn renewing(self, renewals: Option<Renewals>) -> Self {
        Self { renewals, ..self }
    }

    /// The module's name.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The request that the module works on.
    pub fn correlation(&self) -> &str {
        &self.correlation
    }

    /// The public origin.
    pub fn base_url(&self) -> &str {
        &self.installation.base_url
    }

    /// The module's settings as JSON.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// The relying party that is registered under the protocol's identifier and enabled.
    pub async fn find_relying_party(&self, identifier: &str) -> Result<Option<Application>, Unavailable> {
        let found = self.installation.store.application_by_identifier(&self.module, identifier).await?;
        Ok(found.filter(|application| !application.disabled))
    }

    /// The same by the kernel's identifier.
    pub async fn relying_party_by_id(&self, id: &str) -> Result<Option<Application>, Unavailable> {
        let found = self.installation.store.application(id).await?;
        Ok(found.filter(|application| !application.disabled && application.module == self.module))
    }

    /// Whether the secret is the relying party's, in constant time.
    pub async fn check_secret(&self, relying_party: &str, secret: &str) -> Result<bool, Unavailable> {
        use subtle::ConstantTimeEq as _;
        let found = self.relying_party_by_id(relying_party).await?;
        Ok(match found.and_then(|application| application.secret) {
            Some(expected) => expected.0.ct_eq(&fingerprint(secret).0).into(),
            None => false,
        })
    }

    /// Signs with the module's active key.
    pub fn sign(&self, algorithm: SigningAlgorithm, message: &[u8]) -> Result<Signature, Unavailable> {
        self.installation.keys.sign(&self.module, algorithm, message)
    }

    /// The module's keys, active ones first.
    pub fn published_keys(&self) -> Vec<PublishedKey> {
        self.installation.keys.published(&self.module)
    }

    /// Whether a peer's signature is good.
    pub fn verify(&self, algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.installation.keys.verify(algorithm, spki, message, signature)
    }

    /// The claims of a subject. `None`: unknown or disabled.
    pub async fn claims(&self, subject: &str) -> Result<Option<Vec<Claim>>, Unavailable> {
        Ok(self.installation.directory.account(subject).await?.map(|account| account.claims))
    }

    /// An identifier of the subject that is stable for the sector: 43 characters of base64url.
    pub fn pairwise_identifier(&self, sector: &str, subject: &str) -> String {
        use base64::Engine as _;
        // The lengths keep ("ab", "c") and ("a", "bc") apart.
        let message = format!("{}:{}:{sector}:{subject}", self.module, sector.len());
        let mac = self.installation.keys.mac("pairwise-identifier", message.as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac)
    }

    /// True to the first caller with the value.
    pub async fn remember(&self, value: &str, until: Timestamp) -> Result<bool, Unavailable> {
        self.installation.store.remember(&self.module, value, until, self.now()).await
    }

    /// Keeps a value to be taken once.
    pub async fn put(
        &self,
        key: &str,
        value: &[u8],
        grant: Option<&str>,
        until: Timestamp,
    ) -> Result<(), Unavailable> {
        self.installation.store.put_artifact(&self.module, key, value, grant, until).await
    }

    /// Takes it.
    pub async fn take(&self, key: &str) -> Result<Taken, Unavailable> {
        self.installation.store.take_artifact(&self.module, key, self.now()).await
    }

    /// Makes a grant and returns its identifier.
    pub async fn create_grant(
        &self,
        relying_party: &str,
        subject: &str,
        session: Option<&str>,
        data: &str,
        until: Timestamp,
    ) -> Result<String, Unavailable> {
        let grant = Grant {
            id: identifier(self.installation.randomness.as_ref()),
            module: self.module.clone(),
            application: relying_party.into(),
            subject: subject.into(),
            session: session.map(Into::into),
            data: data.into(),
            signed_in: self.signed_in.clone(),
            issued_at: self.now(),
            expires_at: until,
        };
        self.installation.store.add_grant(&grant).await?;
        Ok(grant.id)
    }

    /// Unless it ended or was revoked.
    pub async fn find_grant(&self, id: &str) -> Result<Option<Grant>, Unavailable> {
        self.installation.store.grant(&self.module, id, self.now()).await
    }

    /// Whether the application may go on with the grant while nobody is there.
    pub async fn renew(&self, id: &str) -> Result<Renewal, Unavailable> {
        let Some(grant) = self.find_grant(id).await? else { return Ok(Renewal::Denied) };
        match &self.renewals {
            Some(renewals) => renewals.judge(&grant).await,
            None => Ok(Renewal::Granted),
        }
    }

    /// Revokes a grant.
    pub async fn revoke_grant(&self, id: &str) -> Result<(), Unavailable> {
        if self.installation.store.revoke_grant(&self.module, id).await? {
            self.audit("grant.revoked", None, None, &[("grant", id)]);
        }
        Ok(())
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.installation.clock.now()
    }

    /// Random bytes, [`MAX_RANDOM`] at most.
    pub fn random(&self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; length.min(MAX_RANDOM) as usize];
        self.installation.randomness.fill(&mut bytes);
        bytes
    }

    /// One event for the audit log.
    pub fn audit(
        &self,
        event: &str,
        relying_party: Option<&str>,
        subject: Option<&str>,
        fields: &[(&str, &str)],
    ) {
        self.installation.audit.record(&Event {
            name: event,
            module: Some(&self.module),
            relying_party,
            subject,
            correlation: Some(&self.correlation),
            fields,
        });
    }
}
