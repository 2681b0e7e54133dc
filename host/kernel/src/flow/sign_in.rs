//! The authenticators' turn: step by step, until the person is signed in.

use std::sync::Arc;

use super::complete::Stop;
use super::decide::accepts;
use super::handle::page_of;
use super::progress::Progress;
use super::realm::ASKING;
use super::signed_in::SEVERAL_FACTORS;
use super::steps::Plan;
use super::transaction::{Held, Lost, Stage};
use super::{EnabledAuthenticator, Flow, ModuleSet, Reply, Visitor};
use crate::audit::Event;
use crate::authenticator::{
    Carrier, Challenge, Context, Demanded, Denial, Element, Event as Answer, Identity, Message, Person,
    Purpose, Step, Text, Who,
};
use crate::module::{Demand, Failure, FailureReason, ModuleFailure};
use crate::services::AuthenticatorServices;
use crate::throttle::{Admission, Pool};

/// What the sign-in is about.
pub(super) struct SignIn<'s> {
    pub(super) visitor: &'s Visitor,
    pub(super) modules: &'s ModuleSet,
    pub(super) held: &'s mut Held,
    pub(super) demand: Demand,
    pub(super) progress: Box<Progress>,
}

/// Whose answer it is that the person brings.
pub(super) struct Asked {
    /// The authenticator's name.
    name: String,
    /// The state that it left.
    state: Vec<u8>,
    /// What it had shown. `None`: the person was elsewhere.
    shown: Option<Challenge>,
    /// How they came back from there.
    carrier: Option<Carrier>,
}

impl Asked {
    pub(super) fn by(name: String, challenge: Challenge) -> Self {
        Self { name, state: challenge.state.clone(), shown: Some(challenge), carrier: None }
    }

    pub(super) fn elsewhere(name: String, state: Vec<u8>, carrier: Carrier) -> Self {
        Self { name, state, shown: None, carrier: Some(carrier) }
    }
}

impl SignIn<'_> {
    /// Puts this challenge of the authenticator into the transaction; `None`: it begins anew.
    pub(super) fn set(&mut self, challenge: Option<(&str, Challenge)>) {
        self.held.transaction.stage = Stage::SignIn {
            demand: self.demand.clone(),
            challenge: challenge.map(|(name, challenge)| (name.to_owned(), challenge.into())),
            progress: self.progress.clone(),
        };
    }
}

impl Flow {
    /// Lets the authenticator begin whose turn it is, or the next alternative when it can't serve. Err: it
    /// ended the sign-in or the step already, with this reply.
    pub(super) async fn begin_authenticator<'s>(
        &self,
        mut sign_in: SignIn<'s>,
    ) -> Result<Result<(SignIn<'s>, String, Challenge), Reply>, Stop> {
        Self::take_hint(&mut sign_in);
        self.settle(&mut sign_in).await?;
        if let Some((name, challenge)) = Self::denied_by_policy(&sign_in.progress) {
            sign_in.set(Some((&name, challenge.clone())));
            self.keep_transaction(sign_in.held).await??;
            return Ok(Ok((sign_in, name, challenge)));
        }
        if let Some(challenge) = Self::asking(&sign_in) {
            sign_in.set(Some((ASKING, challenge.clone())));
            self.keep_transaction(sign_in.held).await??;
            return Ok(Ok((sign_in, ASKING.into(), challenge)));
        }
        let Some(plan) = self.plan_of(&sign_in).await? else {
            return Ok(Err(self.end_with(&sign_in, Failure::ContextUnavailable).await?));
        };
        let (mut broken, mut locked) = (None, None);
        while let Some(enabled) = plan.next(&sign_in.progress) {
            if self.is_locked(&sign_in, enabled).await? {
                locked = Some(enabled.name().clone());
                sign_in.progress.out.push(enabled.name().clone());
                continue;
            }
            let services = self.services_of(&sign_in, enabled, None).await?;
            if services.demanded().asks_presence() && !enabled.heeds_demands() {
                // It would send them to where they are signed in, perhaps since yesterday.
                tracing::warn!(authenticator = %enabled.name(), "it does not import `demands`, and is passed over");
                sign_in.progress.out.push(enabled.name().clone());
                continue;
            }
            let context = self.context_of(&sign_in, enabled, &services);
            let begun = enabled.module.begin(Arc::clone(&services), context).await;
            let begun = match self.judged(enabled, &services, begun) {
                Ok(Step::Authenticated(_))
                    if services.demanded().asks_presence() && !enabled.module.heeds_demands() =>
                {
                    // Nobody has done anything.
                    Ok(Step::NotEnrolled)
                }
                begun => begun,
            };
            self.note_presence(&mut sign_in.progress, &services, &begun, false);
            match begun {
                Ok(Step::Challenge(challenge)) => {
                    sign_in.progress.component = enabled.module.digest().to_owned();
                    sign_in.set(Some((enabled.name(), challenge.clone())));
                    self.keep_transaction(sign_in.held).await??;
                    let name = enabled.name().clone();
                    return Ok(Ok((sign_in, name, challenge)));
                }
                Ok(Step::NotEnrolled) => self.audit_not_enrolled(&sign_in, enabled),
                Ok(Step::Unavailable(detail)) => broken = Some(away(enabled, detail)),
                Err(failure) => broken = Some(failure),
                Ok(step) => return Ok(Err(self.step(sign_in, enabled, &services, step).await?)),
            }
            if let Some(failure) = &broken {
                tracing::error!(correlation = %sign_in.visitor.correlation, %failure, "authenticator failed");
            }
            sign_in.progress.out.push(enabled.name().clone());
        }
        if let Some(failure) = broken {
            return Err(failure.into());
        }
        if let Some(name) = locked {
            return Ok(Ok(self.locked(sign_in, name).await?));
        }
        let sign_in = match self.enrol_instead(sign_in).await? {
            Ok(reply) => return Ok(Err(reply)),
            Err(sign_in) => sign_in,
        };
        let subject = sign_in.progress.subject();
        self.audit_sign_in(sign_in.visitor, "sign-in.denied", None, subject, "no-way-left");
        Ok(Err(self.end_with(&sign_in, Failure::Denied).await?))
    }

    /// Hands the authenticator what the person sent or came back with.
    pub(super) async fn proceed_authenticator(
        &self,
        mut sign_in: SignIn<'_>,
        Asked { name, state, shown, carrier }: Asked,
        answer: Answer,
    ) -> Result<Reply, Stop> {
        if sign_in.progress.denied {
            return Err(Lost::OutOfStep.into());
        }
        if name == ASKING {
            let Answer::Form(form) = answer else { return Err(Lost::OutOfStep.into()) };
            return self.told_name(sign_in, &form).await;
        }
        self.check_session(sign_in.visitor, &sign_in.progress).await?;
        if sign_in.progress.decided.is_none() {
            self.settle(&mut sign_in).await?;
            if sign_in.progress.denied {
                return self.go_on(sign_in).await;
            }
        }
        let Some(plan) = self.plan_of(&sign_in).await? else {
            return self.end_with(&sign_in, Failure::ContextUnavailable).await;
        };
        let alternatives = plan.alternatives(&sign_in.progress);
        let Some(enabled) = alternatives.into_iter().find(|enabled| *enabled.name() == name) else {
            // Switched off since the page was shown, or of no use any more: begin anew with what is on.
            return self.go_on(sign_in).await;
        };
        let now = self.installation.clock.now();
        let Some(enabled) = sign_in.modules.in_version(enabled, &sign_in.progress.component, now) else {
            // Its file was replaced, and the one that made the page is gone.
            return self.go_on(sign_in).await;
        };
        let is_further = sign_in.progress.person.is_some();
        let pool = match self.factor_pool(&sign_in, &name).await? {
            None if matches!(answer, Answer::Form(_)) => {
                Some(Pool::first_step(&name, sign_in.visitor.address))
            }
            pool => pool,
        };
        let store = self.installation.store.as_ref();
        if let Some(pool) = pool.as_ref().filter(|_| is_further && sign_in.progress.decided.is_some()) {
            let failures = self.installation.throttle.failures_in(store, pool, now).await?;
            sign_in.progress.failures = sign_in.progress.failures.max(failures);
        }
        if let Some(pool) = &pool
            && let Admission::Wait(seconds) = self.installation.throttle.admit(store, pool, now).await?
        {
            let subject = sign_in.progress.subject();
            self.audit_sign_in(sign_in.visitor, "sign-in.throttled", Some(&name), subject, "");
            let Some(challenge) = shown else { return self.back_too_soon(sign_in, seconds).await };
            let error = Some(Text::of("sign-in.throttled"));
            return self.ask_again(sign_in, &name, Challenge { error, ..challenge }).await;
        }
        // A row of failures locks what can be guessed.
        let is_guessable = shown.as_ref().is_none_or(|shown| !shown.has_ceremony());
        if is_guessable && !self.admit_factor(&sign_in, enabled).await? {
            if let Some(pool) = &pool {
                self.installation.throttle.take_back(store, pool, now).await?;
            }
            return self.go_on(sign_in).await;
        }
        let services = self.services_of(&sign_in, enabled, carrier).await?;
        let context = self.context_of(&sign_in, enabled, &services);
        let done = enabled.module.proceed(Arc::clone(&services), context, state, answer).await;
        let done = self.judged(enabled, &services, done);
        self.note_presence(&mut sign_in.progress, &services, &done, carrier.is_none());
        if is_guessable {
            self.count_factor(&sign_in, enabled, &done).await?;
        }
        // A password that was wrong in the first step has been counted and written down by then.
        let is_counted = !is_further && services.has_audited();
        let is_wrong = matches!(&done, Ok(Step::Challenge(Challenge { error: Some(_), .. }))) && !is_counted;
        if is_wrong {
            let subject = sign_in.progress.subject();
            self.audit_sign_in(sign_in.visitor, "sign-in.failed", Some(&name), subject, "");
        }
        if let Some(pool) = pool {
            if !is_wrong && !matches!(&done, Ok(Step::Denied(_))) {
                self.installation.throttle.take_back(store, &pool, now).await?;
            }
            if is_further && matches!(&done, Ok(Step::Authenticated(_))) {
                sign_in.progress.passed.push(pool);
            }
        }
        let failure = match done {
            Ok(Step::Unavailable(detail)) => away(enabled, detail),
            Ok(step) => return self.step(sign_in, enabled, &services, step).await,
            Err(failure) => failure,
        };
        tracing::error!(correlation = %sign_in.visitor.correlation, %failure, "authenticator failed");
        if plan.other(&sign_in.progress, &name).is_none() {
            return Err(failure.into());
        }
        sign_in.progress.out.push(name);
        self.go_on(sign_in).await
    }

    /// The person wants another way.
    pub(super) async fn take_other(&self, mut sign_in: SignIn<'_>, name: &str) -> Result<Reply, Stop> {
        let plan = self.plan_of(&sign_in).await?;
        let other = plan.as_ref().and_then(|plan| plan.other(&sign_in.progress, name));
        let other = other.filter(|_| !sign_in.progress.denied && name != ASKING).ok_or(Lost::OutOfStep)?;
        sign_in.progress.chosen = Some(other.name().clone());
        self.go_on(sign_in).await
    }

    /// Another way than this authenticator.
    pub(super) async fn other<'m>(
        &self,
        sign_in: &SignIn<'m>,
        name: &str,
    ) -> Result<Option<&'m EnabledAuthenticator>, Stop> {
        if sign_in.progress.denied || name == ASKING {
            return Ok(None);
        }
        let plan = self.plan_of(sign_in).await?;
        Ok(plan.and_then(|plan| plan.other(&sign_in.progress, name)))
    }

    async fn step(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        step: Step,
    ) -> Result<Reply, Stop> {
        let name = enabled.name();
        match step {
            Step::Challenge(challenge) => self.ask_again(sign_in, name, challenge).await,
            Step::Redirect(redirection) => self.send_away(sign_in, enabled, services, redirection).await,
            Step::Authenticated(identity) => {
                check_identity(enabled, services, &identity)?;
                sign_in.progress.failures = sign_in.progress.failures.max(services.failures_before());
                sign_in.progress.passed.extend(services.take_passed());
                self.identified(sign_in, enabled, identity).await
            }
            Step::NotEnrolled => {
                self.audit_not_enrolled(&sign_in, enabled);
                sign_in.progress.out.push(name.clone());
                self.go_on(sign_in).await
            }
            Step::Denied(denial) => self.denied(sign_in, enabled, denial).await,
            Step::Enrolled => Err(misuse(enabled, "authenticator.enrolment.unasked: nobody enrols").into()),
            Step::Unavailable(detail) => Err(away(enabled, detail).into()),
        }
    }

    /// The step is done: it was this account.
    pub(super) async fn step_done(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        identity: Identity,
        subject: &str,
    ) -> Result<Reply, Stop> {
        let name = enabled.name();
        let Some(account) = self.installation.directory.account(subject).await? else {
            let visitor = sign_in.visitor;
            self.audit_sign_in(visitor, "sign-in.denied", Some(name), Some(subject), "account-gone");
            return self.end_with(&sign_in, Failure::Denied).await;
        };
        if sign_in.progress.person.is_none() {
            let then = self.installation.directory.device_binding(&account.username).await?;
            sign_in.progress.proven = Some((self.installation.clock.now(), then.unwrap_or_default()));
        }
        let rules = !sign_in.modules.policies.is_empty();
        let before = if rules { self.plan_of(&sign_in).await? } else { None };
        let progress = &mut sign_in.progress;
        progress.done = progress.done.saturating_add(1);
        let (subject, username) = (account.subject.clone(), account.username.clone());
        progress.person = Some(Person { subject, username });
        if identity.methods.iter().any(|method| method == SEVERAL_FACTORS) {
            progress.several.push(name.clone());
        }
        for method in identity.methods {
            if !progress.methods.contains(&method) {
                progress.methods.push(method);
            }
        }
        progress.contexts.push(identity.context);
        progress.authenticators.push(name.clone());
        progress.out.clear();
        progress.chosen = None;
        progress.is_not_here = false;
        if rules {
            let before = before.map(|plan| Plan::names(&plan.steps)).unwrap_or_default();
            self.ask_after_step(&mut sign_in, &before).await?;
            if sign_in.progress.denied {
                return self.go_on(sign_in).await;
            }
        }
        // What is due may depend on who it is.
        let plan = self.plan_of(&sign_in).await?;
        // Several factors by itself: it is asked once, also where a later step names it.
        while plan.as_ref().is_some_and(|plan| plan.is_done_already(&sign_in.progress)) {
            sign_in.progress.done = sign_in.progress.done.saturating_add(1);
        }
        self.note_remembering(&mut sign_in, enabled, identity.remember);
        if let Some(plan) = &plan {
            let asked = (sign_in.held.transaction.module.as_str(), &sign_in.demand);
            let (visitor, modules) = (sign_in.visitor, sign_in.modules);
            self.skip_remembered(visitor, (modules, plan), asked, &mut sign_in.progress).await?;
        }
        if plan.is_some_and(|plan| !plan.is_done(&sign_in.progress)) {
            return self.go_on(sign_in).await;
        }
        if !accepts(&sign_in.demand, &sign_in.progress.contexts) {
            let (visitor, subject) = (sign_in.visitor, sign_in.progress.subject());
            self.audit_sign_in(visitor, "sign-in.denied", Some(name), subject, "context-too-weak");
            return self.end_with(&sign_in, Failure::ContextUnavailable).await;
        }
        self.signed_in(sign_in, name, account).await
    }

    /// Whether the device is to be remembered: the authenticator proposes, the operator allows, and the
    /// person wants it.
    fn note_remembering(
        &self,
        sign_in: &mut SignIn<'_>,
        enabled: &EnabledAuthenticator,
        proposed: Option<u32>,
    ) {
        let seconds = proposed.map_or(0, u64::from).min(sign_in.modules.remember);
        let is_further = !enabled.module.description().identifies;
        if sign_in.progress.wants_remembering && is_further && seconds > 0 {
            sign_in.progress.remember = Some((enabled.name().clone(), seconds));
        }
        sign_in.progress.wants_remembering = false;
    }

    /// Shows the person why they may not, and the way back.
    pub(super) async fn denied(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        denial: Denial,
    ) -> Result<Reply, Stop> {
        let (visitor, subject) = (sign_in.visitor, sign_in.progress.subject());
        self.audit_sign_in(visitor, "sign-in.denied", Some(enabled.name()), subject, &denial.reason);
        sign_in.progress.denied = true;
        let challenge = Challenge {
            title: Text::of("sign-in.denied.title"),
            elements: vec![Element::Message(Message { body: denial.text, link: None })],
            submit: Text::of("sign-in.submit"),
            error: None,
            state: Vec::new(),
        };
        self.ask_again(sign_in, enabled.name(), challenge).await
    }

    pub(super) async fn ask_again(
        &self,
        mut sign_in: SignIn<'_>,
        name: &str,
        challenge: Challenge,
    ) -> Result<Reply, Stop> {
        sign_in.set(Some((name, challenge)));
        self.keep_transaction(sign_in.held).await??;
        Ok(Reply::redirect(page_of(&sign_in.held.id)))
    }

    /// To whom it is the turn of now.
    pub(super) async fn go_on(&self, mut sign_in: SignIn<'_>) -> Result<Reply, Stop> {
        sign_in.set(None);
        self.keep_transaction(sign_in.held).await??;
        Ok(Reply::redirect(page_of(&sign_in.held.id)))
    }

    pub(super) async fn end_with(&self, sign_in: &SignIn<'_>, failure: Failure) -> Result<Reply, Stop> {
        let SignIn { visitor, modules, held, demand, .. } = sign_in;
        self.take_transaction(&held.id).await??;
        self.fail(visitor, modules, &held.transaction.module, demand.clone(), failure).await
    }

    pub(super) async fn plan_of<'m>(&self, sign_in: &SignIn<'m>) -> Result<Option<Plan<'m>>, Stop> {
        let (modules, module) = (sign_in.modules, &sign_in.held.transaction.module);
        let (demand, decided) = (&sign_in.demand, sign_in.progress.decided.as_ref());
        if decided.is_none() && self.policy_of(modules, module, demand).await?.is_some() {
            // Nobody goes by a plan that the policy has not seen.
            return Ok(None);
        }
        let decided = decided.and_then(|decided| decided.steps.as_deref());
        let realm = sign_in.progress.realm.as_deref();
        Ok(self.plan(modules, module, demand, sign_in.progress.subject(), (decided, realm)).await?)
    }

    /// Tries of a factor that confirms somebody are counted for that person.
    async fn factor_pool(&self, sign_in: &SignIn<'_>, name: &str) -> Result<Option<Pool>, Stop> {
        let Some(person) = &sign_in.progress.person else { return Ok(None) };
        let device = self.known_device(sign_in.visitor, &person.username).await?;
        Ok(Some(Pool::factor(name, &person.subject, device)))
    }

    async fn services_of(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
        carrier: Option<Carrier>,
    ) -> Result<Arc<AuthenticatorServices>, Stop> {
        let person = sign_in.progress.person.as_ref();
        let services = self.authenticator_services(sign_in.visitor, enabled, Purpose::SignIn, person);
        let demanded = self.demanded(sign_in).await?;
        let services = services.sending(self.new_state(sign_in.held)).demanding(demanded);
        Ok(Arc::new(services.back_by(carrier)))
    }

    /// Whoever has sent a form is there, and whoever is named where that was demanded: as fresh, or of an age that does
    /// for the person's own pages. A browser that shows a ticket by itself, or was sent to a provider that knew it and
    /// sent it back, says nothing of the person.
    fn note_presence(
        &self,
        progress: &mut Progress,
        services: &AuthenticatorServices,
        done: &Result<Step, ModuleFailure>,
        is_here: bool,
    ) {
        let Demanded { fresh, max_age, .. } = services.demanded();
        let is_asked = *fresh || max_age.is_some_and(|most| most <= self.lifetimes.recent);
        if matches!(done, Ok(Step::Authenticated(_))) && (is_here || is_asked) {
            progress.present = true;
        }
    }

    pub(super) fn context_of(
        &self,
        sign_in: &SignIn<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
    ) -> Context {
        let application = sign_in.held.transaction.application.as_ref();
        let progress = &sign_in.progress;
        let hint = progress.hint.as_ref().or(sign_in.demand.login_hint.as_ref());
        Context {
            purpose: Purpose::SignIn,
            relying_party: application.map(|(_, name)| name.clone()).unwrap_or_default(),
            // Whose identity is about to be linked said what they are called elsewhere.
            login_hint: hint.filter(|_| progress.linking.is_none()).cloned(),
            person: sign_in.progress.person.clone(),
            language: sign_in.visitor.language.clone(),
            settings: enabled.settings.clone(),
            base_url: self.installation.base_url.clone(),
            client_address: sign_in.visitor.address,
            return_uri: self.return_of(enabled),
            redirect_state: services.redirect_state().to_owned(),
            client_certificate: sign_in.visitor.client_certificate.clone(),
        }
    }

    fn audit_not_enrolled(&self, sign_in: &SignIn<'_>, enabled: &EnabledAuthenticator) {
        let subject = sign_in.progress.subject();
        self.audit_sign_in(sign_in.visitor, "sign-in.not-enrolled", Some(enabled.name()), subject, "");
    }

    pub(super) fn audit_sign_in(
        &self,
        visitor: &Visitor,
        event: &str,
        authenticator: Option<&str>,
        subject: Option<&str>,
        why: &str,
    ) {
        let address = visitor.address.to_string();
        let fields = [("address", address.as_str()), ("why", why)];
        self.installation.audit.record(&Event {
            name: event,
            module: authenticator,
            relying_party: None,
            subject,
            correlation: Some(&visitor.correlation),
            fields: if why.is_empty() { &fields[..1] } else { &fields },
        });
    }
}

/// Whom a component names, and how, has to be what it may.
pub(super) fn check_identity(
    enabled: &EnabledAuthenticator,
    services: &AuthenticatorServices,
    identity: &Identity,
) -> Result<(), ModuleFailure> {
    let description = enabled.module.description();
    if let Who::Account(subject) = &identity.who
        && !services.may_name(subject)
    {
        return Err(misuse(
            enabled,
            "authenticator.subject.foreign: it named a subject that it may not name",
        ));
    }
    if !description.contexts.contains(&identity.context) {
        return Err(misuse(enabled, "authenticator.context.undeclared: it reached what it does not declare"));
    }
    if !identity.methods.iter().all(|method| description.methods.contains(method)) {
        return Err(misuse(enabled, "authenticator.method.undeclared: it used what it does not declare"));
    }
    Ok(())
}

/// A component did what it may not.
pub(super) fn misuse(enabled: &EnabledAuthenticator, detail: &str) -> ModuleFailure {
    let (module, detail) = (enabled.name().clone(), detail.into());
    ModuleFailure { module, reason: FailureReason::Output, detail }
}

/// A component's backend is away, by its own word.
pub(super) fn away(enabled: &EnabledAuthenticator, detail: String) -> ModuleFailure {
    ModuleFailure { module: enabled.name().clone(), reason: FailureReason::Unavailable, detail }
}
