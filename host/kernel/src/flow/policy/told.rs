//! What a policy is told: what the operator lists, and nothing that lets it find out more.

use super::super::Flow;
use super::super::complete::Stop;
use super::{Asked, EnabledPolicy};
use crate::authenticator;
use crate::policy::{self, Context, Demanded, Device, Failures, MOST_FAILURES, Person};
use crate::store;
use crate::unavailable::Unavailable;

/// The claim that groups are in.
const GROUPS: &str = "groups";

impl Flow {
    pub(super) async fn told(
        &self,
        asked: &Asked<'_>,
        policy: &EnabledPolicy,
        application: Option<store::Application>,
        configured: &[Vec<String>],
    ) -> Result<Context, Stop> {
        let Asked { occasion, visitor, modules, demand, done, reached, .. } = *asked;
        let policies = &modules.policies;
        let is_in = |name: &&String| {
            let networks = policies.networks.get(*name).map(Vec::as_slice).unwrap_or_default();
            networks.iter().any(|network| network.contains(visitor.address))
        };
        let application =
            application.map(|known| policy::Application { identifier: known.identifier, name: known.name });
        Ok(Context {
            occasion,
            application,
            demand: Demanded {
                contexts: demand.contexts.clone(),
                force: demand.force,
                passive: demand.passive,
            },
            person: self.person_told(asked).await?,
            client_address: visitor.address,
            networks: policies.networks.keys().filter(is_in).cloned().collect(),
            headers: visitor.headers.clone(),
            device: self.device_told(asked).await?,
            time: self.installation.clock.now().0,
            failures: self.failures_told(asked).await?,
            done: done.to_vec(),
            reached: reached.to_vec(),
            steps: configured.to_vec(),
            settings: policy.settings.clone(),
        })
    }

    /// The account as it is now.
    async fn person_told(&self, asked: &Asked<'_>) -> Result<Option<Person>, Unavailable> {
        let Some(person) = &asked.person else { return Ok(None) };
        let account = self.installation.directory.account(&person.subject).await?;
        // Gone at this very moment: the policy does not get to decide about nobody.
        let account = account.ok_or_else(|| Unavailable::new("directory", "the account is gone"))?;
        let groups = account.claims.iter().filter(|claim| claim.name == GROUPS);
        let groups = groups.flat_map(|claim| claim.values.iter().cloned()).collect();
        let claims = account.claims.into_iter();
        let claims = claims.filter(|claim| asked.modules.policies.claims.contains(&claim.name)).collect();
        let authenticator::Person { subject, username } = person.clone();
        Ok(Some(Person { subject, username, groups, claims }))
    }

    async fn device_told(&self, asked: &Asked<'_>) -> Result<Device, Unavailable> {
        let Some(person) = &asked.person else { return Ok(Device::default()) };
        let known = self.known_device(asked.visitor, &person.username).await?.is_some();
        let remembered = self.is_remembered(asked.visitor, asked.modules, person).await?;
        Ok(Device { known, remembered })
    }

    async fn failures_told(&self, asked: &Asked<'_>) -> Result<Failures, Unavailable> {
        let installation = &self.installation;
        let (store, now) = (installation.store.as_ref(), installation.clock.now());
        let address = installation.throttle.failures_from(store, asked.visitor.address, now).await?;
        let mut of_person = asked.failures;
        if let Some(person) = &asked.person {
            let device = self.known_device(asked.visitor, &person.username).await?;
            let since = installation.throttle.failures_of(store, &person.username, device, now).await?;
            of_person = of_person.max(since);
        }
        Ok(Failures { person: of_person.min(MOST_FAILURES), address: address.min(MOST_FAILURES) })
    }
}
