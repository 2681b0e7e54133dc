//! `/authenticationendpoint/password`: another password.
//!
//! It takes the present one, within the same limits on failures as at sign-in. All other sessions end, and
//! so does what applications may do without the person being there: whoever knew the old one is out.

use std::sync::Arc;

use super::complete::Stop;
use super::handle::page_of;
use super::own_pages::OwnPage;
use super::transaction::{Held, Stage};
use super::{Flow, ModuleSet, Page, PasswordPage, Reply, Visitor};
use crate::audit::Event;
use crate::authenticator::{Form, Origin, Person, Purpose};
use crate::directory::PasswordChange;
use crate::services::{AuthenticatorCall, AuthenticatorServices, PasswordCheck};
use crate::unavailable::Unavailable;

/// What is said when it is done: not an error.
pub(super) const CHANGED: &str = "password.changed";

impl Flow {
    /// The page.
    pub(super) async fn password_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        held: &Held,
        (session, said): (&str, Option<String>),
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, session).await?;
        Ok(Reply::page(Page::Password(PasswordPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            username: person.username,
            pages: modules.pages(),
            is_changed: said.as_deref() == Some(CHANGED),
            error: said.filter(|said| said != CHANGED),
        })))
    }

    /// The fields `current`, `new` and `again`.
    pub(super) async fn change_password(
        &self,
        visitor: &Visitor,
        mut held: Held,
        session: String,
        form: &Form,
    ) -> Result<Reply, Stop> {
        let person = self.owner(visitor, &session).await?;
        let (said, is_changed) = match self.try_change(visitor, &person, form).await? {
            Ok(()) => (CHANGED.to_owned(), true),
            Err(refused) => (refused, false),
        };
        if is_changed {
            self.audit_password(visitor, &person);
            self.end_all_but(visitor, &person, &session, "password-changed").await?;
        }
        held.transaction.stage = Stage::Password { session, said: Some(said) };
        self.keep_transaction(&held).await??;
        let reply = Reply::redirect(page_of(&held.id));
        // The one of before was bound to the password of before.
        Ok(if is_changed { reply.with_device(self.device_cookie(&person.username).await) } else { reply })
    }

    /// Err: the message to show.
    async fn try_change(
        &self,
        visitor: &Visitor,
        person: &Person,
        form: &Form,
    ) -> Result<Result<(), String>, Unavailable> {
        let refused = |message: &str| Ok(Err(message.to_owned()));
        let (Some(current), Some(new)) = (form.single("current"), form.single("new")) else {
            return refused("password.incomplete");
        };
        if form.single("again") != Some(new) {
            return refused("password.differs");
        }
        // Before anything is said of the new one.
        let services = self.password_services(visitor, person);
        match services.check_password(&person.username, current).await {
            PasswordCheck::Correct { subject, .. } if subject == person.subject => {
                // Who is here has signed in by all steps.
                self.forget_failures(&services.take_passed()).await?;
            }
            PasswordCheck::Correct { .. } | PasswordCheck::Wrong => return refused("password.wrong"),
            PasswordCheck::Throttled(_) => return refused("sign-in.throttled"),
            PasswordCheck::Unavailable => return refused("sign-in.unavailable"),
        }
        if new == current {
            return refused("password.same");
        }
        match self.installation.directory.change_password(&person.subject, new).await? {
            PasswordChange::Changed => Ok(Ok(())),
            PasswordChange::TooShort => refused("password.too-short"),
            PasswordChange::TooLong => refused("password.too-long"),
            PasswordChange::IsName => refused("password.is-name"),
            PasswordChange::Elsewhere => refused("password.elsewhere"),
        }
    }

    fn password_services(&self, visitor: &Visitor, person: &Person) -> Arc<AuthenticatorServices> {
        let call = AuthenticatorCall {
            authenticator: OwnPage::Password.module().into(),
            purpose: Purpose::SignIn,
            subject: Some(person.subject.clone()),
        };
        let origin = Origin { address: visitor.address, device: visitor.device.clone() };
        let installation = Arc::clone(&self.installation);
        Arc::new(AuthenticatorServices::new(installation, call, origin, &visitor.correlation))
    }

    fn audit_password(&self, visitor: &Visitor, person: &Person) {
        self.installation.audit.record(&Event {
            name: "user.password-changed",
            module: None,
            relying_party: None,
            subject: Some(&person.subject),
            correlation: Some(&visitor.correlation),
            fields: &[("address", &visitor.address.to_string())],
        });
    }
}
