//! `GET /authenticationendpoint/factors`: the person's own page, where factors are set up and removed.

use std::sync::Arc;

use super::complete::Stop;
use super::handle::page_of;
use super::transaction::{Held, Lost};
use super::{EnabledAuthenticator, FactorOf, FactorsPage, Flow, ModuleSet, Page, Reply, Visitor};
use crate::audit::Event;
use crate::authenticator::{Form, Person};
use crate::credentials::Credentials;
use crate::module::Audience;

impl Flow {
    /// The page.
    pub(super) async fn factors_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let mut factors = Vec::new();
        for enabled in modules.enrolling() {
            let description = enabled.module.description();
            factors.push(FactorOf {
                authenticator: description.name.clone(),
                own_title: enabled.module.title().map(str::to_owned),
                title: description.title.clone(),
                translations: Arc::clone(&description.translations),
                credentials: self.credentials_of(enabled, &person).list().await?,
                is_locked: self.locks(enabled, &person.subject).await?,
            });
        }
        Ok(Reply::page(Page::Factors(FactorsPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            username: person.username.clone(),
            pages: modules.pages(),
            factors,
            links: self.own_links(modules, &person).await?,
            linkable: modules.linkable(),
        })))
    }

    /// Removes a factor of the person's.
    pub(super) async fn remove_factor(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let enabled =
            modules.enrolling().find(|enabled| Some(enabled.name().as_str()) == form.single("authenticator"));
        let (Some(enabled), Some(id)) = (enabled, form.single("credential")) else {
            return Err(Lost::OutOfStep.into());
        };
        if self.credentials_of(enabled, &person).remove(id).await? {
            self.installation.audit.record(&Event {
                name: "credential.removed",
                module: Some(enabled.name()),
                relying_party: None,
                subject: Some(&person.subject),
                correlation: Some(&visitor.correlation),
                fields: &[("credential", id)],
            });
        }
        Ok(Reply::redirect(page_of(&held.id)))
    }

    /// Unlocks a factor of the person's, who has got here by another one.
    pub(super) async fn unlock_factor(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        session: &str,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        let mut enrolling = modules.enrolling();
        let enabled = enrolling.find(|enabled| Some(enabled.name().as_str()) == form.single("authenticator"));
        let enabled = enabled.ok_or(Lost::OutOfStep)?;
        if self.installation.store.clear_in_a_row(enabled.name(), &person.subject).await? {
            self.installation.audit.record(&Event {
                name: "factor.unlocked",
                module: Some(enabled.name()),
                relying_party: None,
                subject: Some(&person.subject),
                correlation: Some(&visitor.correlation),
                fields: &[],
            });
        }
        Ok(Reply::redirect(page_of(&held.id)))
    }

    fn credentials_of<'f>(
        &'f self,
        enabled: &'f EnabledAuthenticator,
        person: &'f Person,
    ) -> Credentials<'f> {
        let (authenticator, subject) = (enabled.name(), &person.subject);
        Credentials { installation: &self.installation, authenticator, subject }
    }
}

/// The person did not go through with it, or may not.
pub(super) fn not_allowed() -> Reply {
    Reply::page(Page::Refused {
        status: 403,
        audience: Audience::Browser,
        message: "error.denied",
        retry_after: None,
    })
}
