//! Devices on which people are not asked for a further factor again for a time. The operator allows it
//! (`sign_in.remember`), the person ticks it, and the authenticator proposes it.
//!
//! A remembered device does a step without an authentication context or a method of its own: an application
//! that asks for a context asks the person, and so do the person's own pages and a demand to sign in anew. So does
//! a policy that adds a step: it is told that the device is remembered, and may leave the step out.

use super::own_pages::OwnPage;
use super::progress::Progress;
use super::steps::Plan;
use super::{CookieChange, Flow, ModuleSet, Visitor};
use crate::authenticator::Person;
use crate::module::Demand;
use crate::remembered;
use crate::unavailable::Unavailable;

impl Flow {
    /// Takes the steps that are due and for which the device is remembered, and writes it to the audit log.
    pub(super) async fn skip_remembered(
        &self,
        visitor: &Visitor,
        (modules, plan): (&ModuleSet, &Plan<'_>),
        (module, demand): (&str, &Demand),
        progress: &mut Progress,
    ) -> Result<(), Unavailable> {
        let (Some(cookie), Some(person)) = (&visitor.remembered, progress.person.clone()) else {
            return Ok(());
        };
        let asks = demand.force || !demand.contexts.is_empty() || OwnPage::of_module(module).is_some();
        if modules.remember == 0 || asks {
            return Ok(());
        }
        let (keys, now) = (self.installation.keys.as_ref(), self.installation.clock.now());
        while progress.done > 0 && !plan.is_done(progress) && !plan.is_added(progress) {
            let mut found = None;
            for enabled in plan.alternatives(progress) {
                let name = enabled.name();
                if let Some(binding) = self.remembered_binding(name, &person).await?
                    && remembered::is_good(keys, cookie, &binding, now, modules.remember)
                {
                    found = Some(name.clone());
                    break;
                }
            }
            let Some(name) = found else { break };
            progress.done = progress.done.saturating_add(1);
            progress.out.clear();
            progress.chosen = None;
            self.audit_sign_in(visitor, "sign-in.remembered", Some(&name), progress.subject(), "");
            progress.skipped.push(name);
        }
        Ok(())
    }

    /// Whether the device is remembered for any further factor of the person, for the policy.
    pub(super) async fn is_remembered(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        person: &Person,
    ) -> Result<bool, Unavailable> {
        let Some(cookie) = visitor.remembered.as_ref().filter(|_| modules.remember > 0) else {
            return Ok(false);
        };
        let (keys, now) = (self.installation.keys.as_ref(), self.installation.clock.now());
        for enabled in &modules.authenticators {
            if let Some(binding) = self.remembered_binding(enabled.name(), person).await?
                && remembered::is_good(keys, cookie, &binding, now, modules.remember)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The cookie for what the person has just done, when they want it. None is no reason to fail.
    pub(super) async fn remembered_cookie(&self, progress: &Progress) -> CookieChange {
        let (Some((name, seconds)), Some(person)) = (&progress.remember, &progress.person) else {
            return CookieChange::Keep;
        };
        let binding = match self.remembered_binding(name, person).await {
            Ok(Some(binding)) => binding,
            Ok(None) => return CookieChange::Keep,
            Err(error) => {
                tracing::warn!(%error, "device not remembered");
                return CookieChange::Keep;
            }
        };
        let until = self.installation.clock.now().plus(*seconds);
        let (keys, randomness) = (self.installation.keys.as_ref(), self.installation.randomness.as_ref());
        CookieChange::Set(remembered::issue(keys, randomness, &binding, until))
    }

    /// `None`: the person has nothing there that could be remembered.
    async fn remembered_binding(
        &self,
        authenticator: &str,
        person: &Person,
    ) -> Result<Option<String>, Unavailable> {
        let records = self.installation.store.credentials(authenticator, &person.subject).await?;
        let device = self.installation.directory.device_binding(&person.username).await?;
        let Some(device) = device.filter(|_| !records.is_empty()) else { return Ok(None) };
        let records: Vec<String> = records.into_iter().map(|record| record.id).collect();
        Ok(Some(remembered::binding(&device, authenticator, &records)))
    }
}
