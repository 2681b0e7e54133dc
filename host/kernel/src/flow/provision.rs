//! Somebody whom an outside provider vouches for: whose account it is, or becomes.
//!
//! An identity is that of one authenticator, one issuer and one subject there. It is somebody's here by a link
//! and by nothing else: an e-mail address or a name that fits attaches it to nobody.

use super::complete::Stop;
use super::sign_in::SignIn;
use super::{EnabledAuthenticator, Flow, Reply};
use crate::application_name::check_application_name;
use crate::audit::Event;
use crate::authenticator::{ClaimSet, Denial, Identity, Text, Who};
use crate::directory::{Claim, Creation};
use crate::randomness::identifier;
use crate::store::Link;
use crate::unavailable::Unavailable;

/// What becomes of identities that an authenticator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRules {
    /// Of those that are nobody's here.
    pub unknown: UnknownIdentity,
    /// The claim that names a new account.
    pub username: String,
    /// The claims that a new account gets.
    pub copy: Vec<String>,
    /// Whether these are written anew with each sign-in, for accounts that were made so.
    pub update: bool,
}

impl Default for AccountRules {
    fn default() -> Self {
        let username = "preferred_username".into();
        Self { unknown: UnknownIdentity::Refuse, username, copy: Vec::new(), update: false }
    }
}

/// What becomes of an identity that is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownIdentity {
    /// Nobody signs in with it.
    Refuse,
    /// Nobody signs in with it. People link it on their own page.
    OwnPage,
    /// The person proves the account that they have, and it is theirs from then on.
    Link,
    /// It gets a new account; where the name is in use, as [`UnknownIdentity::Link`].
    Create,
}

impl Flow {
    /// A component said who it is, as it may: takes the step that was done.
    pub(super) async fn identified(
        &self,
        sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        identity: Identity,
    ) -> Result<Reply, Stop> {
        let claims = match &identity.who {
            Who::Account(subject) => {
                let subject = subject.clone();
                return self.step_done(sign_in, enabled, identity, &subject).await;
            }
            Who::Claims(claims) => claims.clone(),
        };
        if sign_in.progress.linking.is_some() && sign_in.progress.person.is_none() {
            // What is linked is proven here, and not by a further identity from outside.
            return self.not_here(sign_in, enabled, "proven-elsewhere").await;
        }
        let found = self.link_of(enabled, &claims).await?;
        match (found, sign_in.progress.subject()) {
            (Some(link), Some(known)) if link.subject != known => {
                self.not_here(sign_in, enabled, "another-account").await
            }
            (Some(link), _) => {
                self.update(enabled, &link, &claims).await?;
                self.step_by_link(sign_in, enabled, identity, &link.id, &link.subject).await
            }
            // Whoever knows the password alone must not bring an identity of their own along.
            (None, Some(_)) => self.not_here(sign_in, enabled, "not-linked").await,
            (None, None) => match enabled.accounts.unknown {
                UnknownIdentity::Refuse | UnknownIdentity::OwnPage => {
                    self.not_here(sign_in, enabled, "unknown-identity").await
                }
                UnknownIdentity::Link => self.begin_linking(sign_in, enabled, &claims).await,
                UnknownIdentity::Create => self.create(sign_in, enabled, identity, &claims).await,
            },
        }
    }

    async fn step_by_link(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        identity: Identity,
        link: &str,
        subject: &str,
    ) -> Result<Reply, Stop> {
        sign_in.progress.links.push(link.to_owned());
        self.step_done(sign_in, enabled, identity, subject).await
    }

    async fn create(
        &self,
        sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        identity: Identity,
        claims: &ClaimSet,
    ) -> Result<Reply, Stop> {
        let rules = &enabled.accounts;
        let Some(username) = claims.first(&rules.username) else {
            return self.not_here(sign_in, enabled, "account-name-missing").await;
        };
        // What people read in place of a name must not look like another one.
        if check_application_name(username).is_err() {
            return self.not_here(sign_in, enabled, "account-refused").await;
        }
        let link = self.new_link((enabled.name(), &claims.issuer, &claims.subject), &label(claims), true);
        let id = link.id.clone();
        match self.installation.directory.create_account(username, &rules.copied(claims), link).await? {
            Creation::Created(account) => {
                self.audit_account(&sign_in, "account.created", enabled.name(), &account.subject, claims);
                self.step_by_link(sign_in, enabled, identity, &id, &account.subject).await
            }
            Creation::Exists => match self.link_of(enabled, claims).await? {
                // Made at this moment by another sign-in of the same person.
                Some(link) => self.step_by_link(sign_in, enabled, identity, &link.id, &link.subject).await,
                None => self.begin_linking(sign_in, enabled, claims).await,
            },
            Creation::Refused(reason) => {
                let (correlation, authenticator) = (&sign_in.visitor.correlation, enabled.name());
                tracing::warn!(correlation, authenticator, reason, "account not made");
                self.not_here(sign_in, enabled, "account-refused").await
            }
            Creation::Elsewhere => self.not_here(sign_in, enabled, "account-elsewhere").await,
        }
    }

    /// Writes the claims of an account that was made for the identity.
    async fn update(
        &self,
        enabled: &EnabledAuthenticator,
        link: &Link,
        claims: &ClaimSet,
    ) -> Result<(), Unavailable> {
        if !(link.created && enabled.accounts.update) {
            return Ok(());
        }
        let directory = &self.installation.directory;
        let Some(account) = directory.account(&link.subject).await? else { return Ok(()) };
        let copied = enabled.accounts.copied(claims);
        let is_copied = |name: &String| enabled.accounts.copy.contains(name);
        let name_of_account = |claim: &Claim| claim.name == "preferred_username";
        let kept = account.claims.iter().filter(|claim| !name_of_account(claim));
        let mut now: Vec<Claim> = kept.clone().filter(|claim| !is_copied(&claim.name)).cloned().collect();
        now.extend(copied);
        let before: Vec<&Claim> = kept.collect();
        let is_same = now.len() == before.len() && now.iter().all(|claim| before.contains(&claim));
        if !is_same && !directory.update_claims(&link.subject, &now).await? {
            tracing::warn!(subject = link.subject, authenticator = enabled.name(), "claims not updated");
        }
        Ok(())
    }

    async fn link_of(
        &self,
        enabled: &EnabledAuthenticator,
        claims: &ClaimSet,
    ) -> Result<Option<Link>, Unavailable> {
        self.installation.store.link(enabled.name(), &claims.issuer, &claims.subject).await
    }

    /// A link that is nobody's yet.
    pub(super) fn new_link(
        &self,
        (authenticator, issuer, identity): (&str, &str, &str),
        label: &str,
        created: bool,
    ) -> Link {
        Link {
            id: identifier(self.installation.randomness.as_ref()),
            authenticator: authenticator.into(),
            issuer: issuer.into(),
            identity: identity.into(),
            subject: String::new(),
            label: label.into(),
            created,
            created_at: self.installation.clock.now(),
        }
    }

    /// The identity leads to no account: says so to the person, and why to the audit log. Another way is taken,
    /// if there is one: a provider that knows the person from before would send them back at once each time.
    pub(super) async fn not_here(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        why: &str,
    ) -> Result<Reply, Stop> {
        let plan = self.plan_of(&sign_in).await?;
        if plan.is_some_and(|plan| plan.other(&sign_in.progress, enabled.name()).is_some()) {
            let (visitor, subject) = (sign_in.visitor, sign_in.progress.subject());
            self.audit_sign_in(visitor, "sign-in.denied", Some(enabled.name()), subject, why);
            sign_in.progress.out.push(enabled.name().clone());
            sign_in.progress.chosen = None;
            sign_in.progress.is_not_here = true;
            return self.go_on(sign_in).await;
        }
        // The page leads nowhere on: it asks for no account to link.
        sign_in.progress.linking = None;
        let denial = Denial { text: Text::of("sign-in.not-here"), reason: why.into() };
        self.denied(sign_in, enabled, denial).await
    }

    fn audit_account(
        &self,
        sign_in: &SignIn<'_>,
        event: &str,
        authenticator: &str,
        subject: &str,
        claims: &ClaimSet,
    ) {
        let address = sign_in.visitor.address.to_string();
        self.installation.audit.record(&Event {
            name: event,
            module: Some(authenticator),
            relying_party: None,
            subject: Some(subject),
            correlation: Some(&sign_in.visitor.correlation),
            fields: &[("issuer", &claims.issuer), ("identity", &claims.subject), ("address", &address)],
        });
    }
}

impl AccountRules {
    /// What of the claims a new account gets.
    fn copied(&self, claims: &ClaimSet) -> Vec<Claim> {
        let is_copied = |claim: &&Claim| self.copy.contains(&claim.name) && !claim.values.is_empty();
        claims.claims.iter().filter(is_copied).cloned().collect()
    }
}

/// Whether what people call it is an address of which the provider says that it has verified it (OpenID Connect
/// Core section 5.1). Anybody may have called themselves anything else.
pub(super) fn is_verified(claims: &ClaimSet) -> bool {
    claims.first("email_verified") == Some("true") && claims.first("email") == Some(label(claims).as_str())
}

/// What people call the identity: the first that they can trust their eyes with.
pub(super) fn label(claims: &ClaimSet) -> String {
    let known = ["email", "preferred_username", "name"].into_iter().filter_map(|name| claims.first(name));
    let mut shown =
        known.chain([claims.subject.as_str()]).filter(|text| check_application_name(text).is_ok());
    shown.next().unwrap_or("?").to_owned()
}
