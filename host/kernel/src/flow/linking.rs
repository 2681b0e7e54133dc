//! An outside identity becomes somebody's who has an account: they prove it here, in the same sign-in, with the
//! page saying which identity it is. It is written down when all steps are done, and by nobody else's form: what
//! proves the account is sent with the anti-forgery token of this transaction and browser.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::complete::Stop;
use super::factors::not_allowed;
use super::handle::page_of;
use super::provision::{is_verified, label};
use super::sign_in::SignIn;
use super::transaction::{Held, Lost};
use super::{CookieChange, EnabledAuthenticator, Flow, ModuleSet, OwnLink, Page, Reply, Visitor};
use crate::audit::Event;
use crate::authenticator::{ClaimSet, Element, Form, Message, Person, Text, translated};
use crate::directory::Account;
use crate::store::Link;
use crate::unavailable::Unavailable;

/// Most links of a person.
const MOST: u32 = 16;

/// The identity that is about to be linked. Kept in the transaction: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Linking {
    pub(super) authenticator: String,
    issuer: String,
    identity: String,
    label: String,
    /// Whether the label is an address that the provider has verified, by its own word.
    #[serde(default)]
    is_verified: bool,
}

impl Linking {
    /// Whether this authenticator can prove the account: a local one.
    pub(super) fn is_proven_by(&self, enabled: &EnabledAuthenticator) -> bool {
        enabled.redirects.is_none() && *enabled.name() != self.authenticator
    }

    pub(super) fn new(enabled: &EnabledAuthenticator, claims: &ClaimSet) -> Self {
        Self {
            authenticator: enabled.name().clone(),
            issuer: claims.issuer.clone(),
            identity: claims.subject.clone(),
            label: label(claims),
            is_verified: is_verified(claims),
        }
    }

    /// Another one for each identity.
    pub(super) fn mark(&self) -> String {
        let Self { authenticator, issuer, identity, .. } = self;
        format!("{}:{}:{authenticator}:{issuer}:{identity}", authenticator.len(), issuer.len())
    }

    /// What a text says of it.
    pub(super) fn arguments(&self, modules: &ModuleSet, visitor: &Visitor) -> Vec<(String, String)> {
        let provider = modules.authenticator(&self.authenticator).and_then(|enabled| {
            let description = enabled.module.description();
            let text = translated(&description.translations, &visitor.language, &description.title.key);
            let own = enabled.module.title().map(str::to_owned);
            own.or_else(|| Some(description.title.filled(text?)))
        });
        vec![
            ("identity".to_owned(), self.label.clone()),
            ("provider".to_owned(), provider.unwrap_or_else(|| self.issuer.clone())),
        ]
    }
}

impl Flow {
    /// Nobody is known by the identity: the person proves the account that they have.
    pub(super) async fn begin_linking(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        claims: &ClaimSet,
    ) -> Result<Reply, Stop> {
        sign_in.progress.linking = Some(Linking::new(enabled, claims));
        sign_in.progress.out.clear();
        sign_in.progress.chosen = None;
        // Whose account it is proves one of the ways that everybody has, not the one of the realm.
        if sign_in.progress.leave_realm() {
            self.settle(&mut sign_in).await?;
        }
        let plan = self.plan_of(&sign_in).await?;
        if plan.is_none_or(|plan| plan.alternatives(&sign_in.progress).is_empty()) {
            return self.not_here(sign_in, enabled, "nothing-to-link-with").await;
        }
        self.go_on(sign_in).await
    }

    /// Says on the page which identity is about to be linked.
    /// Or that the one that they came with is nobody's.
    pub(super) fn say_linking(&self, sign_in: &SignIn<'_>, elements: &mut Vec<Element>) {
        if sign_in.progress.is_not_here && !sign_in.progress.denied {
            elements.insert(0, Element::Message(Message { body: Text::of("sign-in.not-here"), link: None }));
        }
        let Some(linking) = &sign_in.progress.linking else { return };
        if sign_in.progress.person.is_some() {
            return;
        }
        let arguments = linking.arguments(sign_in.modules, sign_in.visitor);
        let key = if linking.is_verified { "sign-in.linking" } else { "sign-in.linking-unverified" };
        let body = Text { key: key.into(), arguments };
        elements.insert(0, Element::Message(Message { body, link: None }));
    }

    /// All steps are done: writes the link, when there is one to write. False: it became somebody else's, or the
    /// person has factors and has shown none.
    pub(super) async fn link_now(&self, sign_in: &SignIn<'_>, account: &Account) -> Result<bool, Stop> {
        let Some(linking) = &sign_in.progress.linking else { return Ok(true) };
        // As on the person's own pages: a password alone, stolen, would make somebody else's identity a way in
        // that lasts, and a further factor elsewhere.
        let factors = self.set_up_by(sign_in.modules, Some(&account.subject)).await?;
        let progress = &sign_in.progress;
        // In a further step, or as several factors in the first one.
        let further = progress.authenticators.get(1..).unwrap_or_default();
        let is_shown = |enabled: &&EnabledAuthenticator| {
            further.contains(enabled.name()) || progress.several.contains(enabled.name())
        };
        if !factors.is_empty() && !factors.iter().any(is_shown) {
            let (visitor, subject) = (sign_in.visitor, Some(account.subject.as_str()));
            self.audit_sign_in(
                visitor,
                "sign-in.denied",
                Some(&linking.authenticator),
                subject,
                "linking-needs-factor",
            );
            return Ok(false);
        }
        if self.write_link(sign_in.visitor, linking, &account.subject).await? {
            return Ok(true);
        }
        let (visitor, subject) = (sign_in.visitor, Some(account.subject.as_str()));
        self.audit_sign_in(visitor, "sign-in.denied", Some(&linking.authenticator), subject, "link-taken");
        Ok(false)
    }

    /// Whether it is this person's now. Not when it is somebody else's, or they have as many as they may.
    pub(super) async fn write_link(
        &self,
        visitor: &Visitor,
        linking: &Linking,
        subject: &str,
    ) -> Result<bool, Unavailable> {
        let Linking { authenticator, issuer, identity, label, .. } = linking;
        let store = &self.installation.store;
        let link = self.new_link((authenticator, issuer, identity), label, false);
        let link = Link { subject: subject.to_owned(), ..link };
        if store.add_link(&link, MOST).await? {
            self.audit_link(visitor, "account.linked", &link);
            return Ok(true);
        }
        let found = store.link(authenticator, issuer, identity).await?;
        Ok(found.is_some_and(|found| found.subject == subject))
    }

    /// A person's links, for their own page.
    pub(super) async fn own_links(
        &self,
        modules: &ModuleSet,
        person: &Person,
    ) -> Result<Vec<OwnLink>, Unavailable> {
        let links = self.installation.store.links_of(&person.subject).await?;
        let mut own = Vec::new();
        for link in &links {
            let enabled = modules.authenticator(&link.authenticator);
            let description = enabled.map(|enabled| enabled.module.description());
            own.push(OwnLink {
                id: link.id.clone(),
                own_title: enabled.and_then(|enabled| enabled.module.title()).map(str::to_owned),
                title: description
                    .map_or_else(|| Text::of(&link.authenticator), |description| description.title.clone()),
                translations: description
                    .map_or_else(|| [].into(), |description| Arc::clone(&description.translations)),
                label: link.label.clone(),
                is_last_way: self.is_last_way(modules, person, &links, link).await?,
            });
        }
        Ok(own)
    }

    /// Removes a link of the person's, unless it is their last way in.
    pub(super) async fn unlink(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let store = &self.installation.store;
        let links = store.links_of(&person.subject).await?;
        let link = links.iter().find(|link| Some(link.id.as_str()) == form.single("link"));
        let link = link.ok_or(Lost::OutOfStep)?;
        // Without another way only another link lets this one go, which the store sees to.
        let serving: Vec<_> = modules.authenticators.iter().map(|enabled| enabled.name().clone()).collect();
        let has_other_way = self.has_other_way(modules, &person).await?;
        let beside = (!has_other_way).then_some(serving.as_slice());
        if !store.remove_link(&person.subject, &link.id, beside).await? {
            if !has_other_way {
                self.audit_link(visitor, "account.last-way-kept", link);
                return Ok(not_allowed());
            }
            return Ok(Reply::redirect(page_of(&held.id)));
        }
        self.audit_link(visitor, "account.unlinked", link);
        let ended = self.end_sessions_of_link(visitor, link).await?;
        // Those that outlive their sessions as well: after these, so that no session makes another one.
        store.revoke_grants_of_link(&person.subject, &link.id).await?;
        if ended.iter().any(|id| id == session) {
            // They are here by this very link. Whoever goes on would be sent to the provider again.
            return Ok(Reply::page(Page::SignedOut).with_session(CookieChange::Clear));
        }
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// Whether the person could not sign in without it: no password, no passkey, no other link.
    async fn is_last_way(
        &self,
        modules: &ModuleSet,
        person: &Person,
        links: &[Link],
        link: &Link,
    ) -> Result<bool, Unavailable> {
        let serves =
            |other: &&Link| other.id != link.id && modules.authenticator(&other.authenticator).is_some();
        if links.iter().any(|other| serves(&other)) {
            return Ok(false);
        }
        Ok(!self.has_other_way(modules, person).await?)
    }

    /// Whether the person has a way in beside their links: a password, or a passkey.
    async fn has_other_way(&self, modules: &ModuleSet, person: &Person) -> Result<bool, Unavailable> {
        let own = self.installation.store.authenticators_of(&person.subject).await?;
        let identifies = |name: &String| {
            modules.authenticator(name).is_some_and(|enabled| enabled.module.description().identifies)
        };
        if own.iter().any(identifies) {
            return Ok(true);
        }
        self.installation.directory.has_password(&person.username).await
    }

    fn audit_link(&self, visitor: &Visitor, event: &str, link: &Link) {
        let address = visitor.address.to_string();
        self.installation.audit.record(&Event {
            name: event,
            module: Some(&link.authenticator),
            relying_party: None,
            subject: Some(&link.subject),
            correlation: Some(&visitor.correlation),
            fields: &[("issuer", &link.issuer), ("identity", &link.identity), ("address", &address)],
        });
    }
}
