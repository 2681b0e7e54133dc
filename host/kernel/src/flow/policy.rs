//! The operator's policy: which steps a sign-in goes through, decided by a component within what the operator
//! allows. It is asked at the beginning, after each step, and when a session would be used again.
//!
//! What it decides is kept in the transaction and holds until it is asked again. By then it may add to it; it
//! takes nothing back unless it may relax. A policy that fails ends the sign-in: nobody signs in without it.

mod judge;
mod told;

pub(super) use judge::{joined, standing_for};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::complete::Stop;
use super::own_pages::OwnPage;
use super::progress::Progress;
use super::sign_in::SignIn;
use super::steps::Plan;
use super::{Flow, ModuleSet, Visitor};
use crate::audit::Event;
use crate::authenticator::{Challenge, Element, Message, Person, Text};
use crate::module::{Demand, FailureReason, ModuleFailure};
use crate::policy::{Decision, Denial, Network, Occasion, PolicyModule};
use crate::store::Application;
use crate::unavailable::Unavailable;

/// A policy that is switched on, with its settings as JSON.
#[derive(Clone)]
pub struct EnabledPolicy {
    /// The policy.
    pub module: Arc<dyn PolicyModule>,
    /// Its settings.
    pub settings: String,
    /// Whether it may leave steps out that the configuration asks for.
    pub may_relax: bool,
}

/// The policies, and what they are told.
#[derive(Clone, Default)]
pub struct Policies {
    /// By name.
    pub enabled: BTreeMap<String, EnabledPolicy>,
    /// The one that decides everywhere, on the person's own pages as well.
    pub everywhere: Option<String>,
    /// The one that decides for an application instead, by [`Application::identifier`].
    pub by_application: BTreeMap<String, String>,
    /// Claims that they are told of.
    pub claims: Vec<String>,
    /// Names of request headers that they are told of, in lower case. The listener reads them.
    pub headers: Vec<String>,
    /// Networks by name.
    pub networks: BTreeMap<String, Vec<Network>>,
}

impl Policies {
    /// Whether none decides anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.everywhere.is_none() && self.by_application.is_empty()
    }
}

/// What the policy has decided. Kept in the transaction: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decided {
    policy: String,
    /// None: the steps of the configuration.
    pub(super) steps: Option<Vec<Vec<String>>>,
    /// Those of them that the configuration does not ask for.
    #[serde(default)]
    pub(super) beyond: Vec<Vec<String>>,
}

/// A policy that can't be gone by. The sign-in ends.
#[derive(Debug)]
pub(super) struct PolicyFailure {
    pub(super) policy: String,
    pub(super) code: &'static str,
    detail: String,
}

impl fmt::Display for PolicyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: policy {:?}: {}", self.code, self.policy, self.detail)
    }
}

impl PolicyFailure {
    fn new(policy: &str, code: &'static str, detail: impl fmt::Display) -> Self {
        Self { policy: policy.into(), code, detail: detail.to_string() }
    }

    fn of_call(policy: &str, failure: ModuleFailure) -> Self {
        let code = match failure.reason {
            FailureReason::Trap => "policy.call.trap",
            FailureReason::Deadline => "policy.call.deadline",
            FailureReason::Memory => "policy.call.memory",
            FailureReason::Output => "policy.call.output",
            FailureReason::Unavailable => "policy.call.unavailable",
        };
        Self::new(policy, code, failure.detail)
    }
}

/// What a policy is asked about.
pub(super) struct Asked<'a> {
    pub(super) occasion: Occasion,
    pub(super) visitor: &'a Visitor,
    pub(super) modules: &'a ModuleSet,
    pub(super) module: &'a str,
    pub(super) demand: &'a Demand,
    pub(super) person: Option<Person>,
    /// The authenticator of the realm that the person is from.
    pub(super) realm: Option<&'a str>,
    /// Authenticators that have done steps, and the contexts that these reached.
    pub(super) done: &'a [String],
    pub(super) reached: &'a [String],
    /// Failures of the person before the successes of this sign-in.
    pub(super) failures: u32,
    /// What it decided last in this sign-in.
    pub(super) before: Option<&'a Decided>,
    /// What it asked for beyond the configuration when that was another realm's.
    pub(super) owed: &'a [Vec<String>],
}

/// What came of it.
pub(super) enum Ruling {
    /// No policy decides here.
    Free,
    /// These steps.
    Steps(Decided),
    /// The person may not.
    Denied(Decided, Denial),
}

impl Ruling {
    /// Puts it into the progress of the sign-in.
    pub(super) fn apply(self, progress: &mut Progress) {
        progress.decided = match self {
            Self::Free => None,
            Self::Steps(decided) => Some(decided),
            Self::Denied(decided, denial) => {
                progress.denied = true;
                progress.denial = Some(denial.text);
                Some(decided)
            }
        };
    }
}

impl Flow {
    /// Asks the policy that decides here, and holds what it says against what it may.
    pub(super) async fn ask_policy(&self, asked: &Asked<'_>) -> Result<Ruling, Stop> {
        let Some((name, application)) = self.policy_of(asked.modules, asked.module, asked.demand).await?
        else {
            return Ok(Ruling::Free);
        };
        let Some(policy) = asked.modules.policies.enabled.get(name) else {
            return Err(PolicyFailure::new(name, "policy.module.missing", "it is not loaded").into());
        };
        let subject = asked.person.as_ref().map(|person| person.subject.as_str());
        let configured =
            self.configured(asked.modules, asked.module, asked.demand, subject, asked.realm).await?;
        let configured = Plan::names(&configured);
        let context = self.told(asked, policy, application, &configured).await?;
        let decision = policy.module.decide(&asked.visitor.correlation, context).await;
        let decision = decision.map_err(|failure| PolicyFailure::of_call(name, failure))?;
        let decided = |steps: Option<Vec<Vec<String>>>| {
            let beyond = judge::beyond(&configured, steps.as_deref().unwrap_or_default());
            Decided { policy: name.into(), steps, beyond }
        };
        let before = asked.before.and_then(|before| before.steps.as_deref());
        let held = before.unwrap_or(asked.owed);
        let ruling = match decision {
            Decision::Deny(denial) => Ruling::Denied(decided(before.map(<[_]>::to_vec)), denial),
            Decision::Unchanged if !policy.may_relax && !judge::covers(held, &configured) => {
                Ruling::Steps(decided(Some(judge::joined(held, configured.clone()))))
            }
            Decision::Unchanged => Ruling::Steps(decided(None)),
            Decision::Steps(steps) => {
                let required = (!policy.may_relax).then_some(configured.as_slice());
                judge::check(asked.modules, &steps, required)
                    .map_err(|(code, detail)| PolicyFailure::new(name, code, detail))?;
                let held = if policy.may_relax { &[] } else { held };
                Ruling::Steps(decided(Some(judge::joined(held, steps))))
            }
        };
        self.audit_ruling(asked, name, &ruling);
        Ok(ruling)
    }

    /// The policy that decides for the module's demand, and the application; `None`: none does.
    pub(super) async fn policy_of<'m>(
        &self,
        modules: &'m ModuleSet,
        module: &str,
        demand: &Demand,
    ) -> Result<Option<(&'m str, Option<Application>)>, Unavailable> {
        let policies = &modules.policies;
        if policies.is_empty() {
            return Ok(None);
        }
        let application = match OwnPage::of_module(module) {
            Some(_) => None,
            None => self.installation.store.application(&demand.relying_party).await?,
        };
        let own = application.as_ref().and_then(|known| policies.by_application.get(&known.identifier));
        Ok(own.or(policies.everywhere.as_ref()).map(|name| (name.as_str(), application)))
    }

    /// Asks when nobody has asked yet: a sign-in that began before there was a policy, or by a POST.
    pub(super) async fn settle(&self, sign_in: &mut SignIn<'_>) -> Result<(), Stop> {
        if sign_in.progress.decided.is_some() || sign_in.progress.denied {
            return Ok(());
        }
        self.ask_about(sign_in, Occasion::Begin).await
    }

    /// Asks after a step. `before` is what the steps were by then.
    pub(super) async fn ask_after_step(
        &self,
        sign_in: &mut SignIn<'_>,
        before: &[Vec<String>],
    ) -> Result<(), Stop> {
        self.ask_about(sign_in, Occasion::Step).await?;
        let Some(plan) = self.plan_of(sign_in).await? else { return Ok(()) };
        let done = sign_in.progress.done;
        let of_now = Plan::names(&plan.steps);
        if of_now.get(..done) != before.get(..done) || of_now.len() < done {
            // The steps are others: what is done of them is counted anew.
            let progress = &sign_in.progress;
            let did = [progress.authenticators.as_slice(), &progress.skipped].concat();
            let met = plan.met_by(&did, &progress.several).len();
            sign_in.progress.done = met;
        }
        Ok(())
    }

    async fn ask_about(&self, sign_in: &mut SignIn<'_>, occasion: Occasion) -> Result<(), Stop> {
        let progress = &sign_in.progress;
        let asked = Asked {
            occasion,
            visitor: sign_in.visitor,
            modules: sign_in.modules,
            module: &sign_in.held.transaction.module,
            demand: &sign_in.demand,
            person: progress.person.clone(),
            realm: progress.realm.as_deref(),
            done: &progress.authenticators,
            reached: &progress.contexts,
            failures: progress.failures,
            before: progress.decided.as_ref(),
            owed: &progress.owed,
        };
        let ruling = self.ask_policy(&asked).await?;
        ruling.apply(&mut sign_in.progress);
        Ok(())
    }

    /// The page of somebody whom the policy denies: why, and the way back. `None`: it denies nobody.
    pub(super) fn denied_by_policy(progress: &Progress) -> Option<(String, Challenge)> {
        let text = progress.denial.as_ref()?;
        let name = progress.decided.as_ref().map(|decided| decided.policy.as_str()).unwrap_or_default();
        let challenge = Challenge {
            title: Text::of("sign-in.denied.title"),
            elements: vec![Element::Message(Message { body: Text::of(text), link: None })],
            submit: Text::of("sign-in.submit"),
            error: None,
            state: Vec::new(),
        };
        Some((format!("{IN_CHARGE}{name}"), challenge))
    }

    fn audit_ruling(&self, asked: &Asked<'_>, policy: &str, ruling: &Ruling) {
        let (decision, steps, reason) = match ruling {
            Ruling::Free | Ruling::Steps(Decided { steps: None, .. }) => return,
            Ruling::Steps(Decided { steps: Some(steps), .. }) => ("steps", written(steps), ""),
            Ruling::Denied(_, denial) => ("deny", String::new(), denial.reason.as_str()),
        };
        let address = asked.visitor.address.to_string();
        let subject = asked.person.as_ref().map(|person| person.subject.as_str());
        let relying_party = Some(asked.demand.relying_party.as_str()).filter(|id| !id.is_empty());
        self.installation.audit.record(&Event {
            name: "sign-in.policy",
            module: Some(policy),
            relying_party,
            subject,
            correlation: Some(&asked.visitor.correlation),
            fields: &[
                ("decision", decision),
                ("occasion", asked.occasion.as_str()),
                ("steps", &steps),
                ("reason", reason),
                ("address", &address),
            ],
        });
        if decision == "deny" {
            self.audit_sign_in(asked.visitor, "sign-in.denied", Some(policy), subject, "policy");
        }
    }
}

/// Before the policy's name, where an authenticator's would stand: none can have such a name.
pub(super) const IN_CHARGE: &str = "policy:";

/// For the audit log: `password, passkey; totp`.
fn written(steps: &[Vec<String>]) -> String {
    let steps: Vec<String> = steps.iter().map(|step| step.join(", ")).collect();
    steps.join("; ")
}
