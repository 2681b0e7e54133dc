//! An outside identity becomes that of somebody who is signed in, on their own page: they sign in there, come back to
//! the session that they left, and say that it is theirs. As for their factors the sign-in has to be recent, with a
//! factor of theirs when they have one.

use std::sync::Arc;

use super::complete::Stop;
use super::errand::Errand;
use super::factors::not_allowed;
use super::handle::page_of;
use super::linking::Linking;
use super::sign_in::{check_identity, misuse};
use super::transaction::{Held, Lost, Stage};
use super::{EnabledAuthenticator, Flow, LinkOf, ModuleSet, Page, Reply, SignInPage, Visitor};
use crate::authenticator::{Challenge, Element, Identity, Message, Text, Who};
use crate::services::AuthenticatorServices;

impl Flow {
    /// Who they are elsewhere is known: what is due then. Nothing is linked before they say so, with a form of this
    /// session: an identity that a stranger slipped into the browser is read first.
    pub(super) async fn named_to_link(
        &self,
        errand: Errand<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        identity: Identity,
    ) -> Result<Stage, Stop> {
        check_identity(enabled, services, &identity)?;
        let Who::Claims(claims) = &identity.who else {
            let detail = "authenticator.step.unexpected: it names an account, and nothing from outside";
            return Err(misuse(enabled, detail).into());
        };
        let session = errand.session.to_owned();
        let person = self.owner(errand.visitor, &session).await?;
        let found = self.installation.store.link(enabled.name(), &claims.issuer, &claims.subject).await?;
        if found.as_ref().is_some_and(|link| link.subject == person.subject) {
            return Ok(Stage::Factors { session });
        }
        let (linking, is_taken) = (Linking::new(enabled, claims), found.is_some());
        if is_taken {
            self.audit_not_linked(errand.visitor, &linking, &person.subject, "link-taken");
        }
        Ok(Stage::Link { session, linking, is_taken })
    }

    /// Asks whether it is theirs, or says that it is somebody else's.
    pub(super) async fn link_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        (linking, is_taken): (&Linking, bool),
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let mut arguments = linking.arguments(modules, visitor);
        arguments.push(("username".to_owned(), person.username));
        let key = if is_taken { "factors.link-taken" } else { "factors.link-ask" };
        let body = Text { key: key.into(), arguments };
        Ok(Reply::page(Page::SignIn(SignInPage {
            transaction: held.id.clone(),
            anti_forgery: self.form_token(held),
            application: String::new(),
            enrols: true,
            challenge: Challenge {
                title: Text::of("factors.link-title"),
                elements: vec![Element::Message(Message { body, link: None })],
                submit: Text::of("factors.link"),
                error: None,
                state: Vec::new(),
            },
            translations: [].into(),
            title: None,
            has_other: false,
            other: None,
            named: None,
            remember: None,
            is_closed: is_taken,
        })))
    }

    /// They have said that it is theirs.
    pub(super) async fn link_own(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        mut held: Held,
        session: String,
        linking: Linking,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, &session).await?;
        // Switched off since, perhaps.
        let mut known = modules.linking();
        known.find(|enabled| *enabled.name() == linking.authenticator).ok_or(Lost::OutOfStep)?;
        let is_theirs = self.write_link(visitor, &linking, &person.subject).await?;
        held.transaction.stage = Stage::Factors { session };
        self.keep_transaction(&held).await??;
        if is_theirs {
            return Ok(Reply::redirect(page_of(&held.id)));
        }
        // Somebody else's since, or they have as many as they may.
        self.audit_not_linked(visitor, &linking, &person.subject, "link-taken");
        Ok(not_allowed())
    }

    fn audit_not_linked(&self, visitor: &Visitor, linking: &Linking, subject: &str, why: &str) {
        let authenticator = Some(linking.authenticator.as_str());
        self.audit_sign_in(visitor, "account.not-linked", authenticator, Some(subject), why);
    }
}

impl ModuleSet {
    /// Those whose identities people link, as their page shows them.
    pub(super) fn linkable(&self) -> Vec<LinkOf> {
        let shown = self.linking().filter(|enabled| enabled.heeds_demands()).map(|enabled| {
            let description = enabled.module.description();
            LinkOf {
                authenticator: description.name.clone(),
                own_title: enabled.module.title().map(str::to_owned),
                title: description.title.clone(),
                translations: Arc::clone(&description.translations),
            }
        });
        shown.collect()
    }
}
