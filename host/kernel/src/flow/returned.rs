//! Somebody is sent elsewhere by an authenticator, and comes back: `/commonauth/return/<authenticator>`.
//!
//! Each authenticator has a path of its own, so that an answer of one provider never reaches the authenticator
//! of another (mix-up, RFC 9700 section 4.4). The state that comes back names the transaction and is good once,
//! for this transaction, this browser, this authenticator and this attempt: whoever is sent again gets another
//! one, and the one before is worth nothing.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use super::complete::Stop;
use super::errand::Errand;
use super::posted::Posted;
use super::show::application_name;
use super::sign_in::{Asked, SignIn, misuse};
use super::transaction::{Held, Lost, Stage, Transaction};
use super::{Action, EnabledAuthenticator, Flow, ModuleSet, Page, Reply, SignInPage, Visitor};
use crate::authenticator::{Carrier, Challenge, Event, PostedFields, Redirection, Returned, Step, Text};
use crate::module::{Audience, FormPost, ModuleFailure};
use crate::randomness::{fingerprint, identifier, secret};
use crate::services::AuthenticatorServices;
use crate::unavailable::Unavailable;

/// Where people come back to, before the name of the authenticator.
pub const RETURN: &str = "/commonauth/return/";

/// What used states are remembered under: no module can have such a name.
const STATES: &str = "own:return";

/// What came back to an authenticator's path.
pub struct Return {
    /// The authenticator whose path it is.
    pub authenticator: String,
    /// The parameter `state`, or SAML's `RelayState`.
    pub state: String,
    /// The query or the form with it, `application/x-www-form-urlencoded`, as it came.
    pub encoded: Zeroizing<String>,
}

/// What somebody who is elsewhere is expected with.
#[derive(Serialize, Deserialize)]
struct Awaited {
    redirect_state: String,
    /// The authenticator's own.
    #[serde(with = "crate::opaque")]
    state: Vec<u8>,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

/// What a person who sets something up has sent or come back with, and the state that the authenticator left.
pub(super) struct Brought {
    pub(super) state: Vec<u8>,
    pub(super) answer: Event,
    pub(super) carrier: Option<Carrier>,
}

impl Flow {
    /// The person is back, by GET.
    pub async fn returned(&self, visitor: &Visitor, back: Return) -> Reply {
        self.came_back(visitor, back, Carrier::Query).await
    }

    async fn came_back(&self, visitor: &Visitor, back: Return, carrier: Carrier) -> Reply {
        let modules = self.modules();
        match self.try_returned(visitor, &modules, back, carrier).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    /// The same by POST, which comes from another site and so without our cookies: the form waits, and the
    /// browser fetches it.
    pub async fn posted(&self, visitor: &Visitor, back: Return) -> Reply {
        match self.try_posted(visitor, back).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    /// The browser fetches the form, which goes on as if it had brought it itself.
    pub async fn fetched(&self, visitor: &Visitor, authenticator: &str, handle: &str) -> Reply {
        let posted = self.posted.take(handle, self.installation.clock.now());
        let Some(posted) = posted.filter(|posted| posted.authenticator == authenticator) else {
            return self.stopped(visitor, Lost::ReturnUnknown.into(), Audience::Browser);
        };
        let Posted { authenticator, state, encoded, .. } = posted;
        self.came_back(visitor, Return { authenticator, state, encoded }, Carrier::Form).await
    }

    /// Which authenticator it is that waits, with this state and in this browser, for a Kerberos ticket. Nothing
    /// is used up: the state is good until the person is back.
    ///
    /// # Errors
    /// What the visitor sees when nobody waits.
    pub async fn negotiating(&self, visitor: &Visitor, state: &str) -> Result<String, Box<Reply>> {
        let found = self.try_negotiating(visitor, state).await;
        found.map_err(|stop| Box::new(self.stopped(visitor, stop, Audience::Browser)))
    }

    async fn try_negotiating(&self, visitor: &Visitor, state: &str) -> Result<String, Stop> {
        let id = transaction_of(state)?;
        let held = self.held_transaction(id, visitor.browser.as_deref()).await?;
        let held = held.map_err(|lost| if lost == Lost::Unknown { Lost::ReturnUnknown } else { lost })?;
        let (authenticator, _) = held.transaction.stage.elsewhere().ok_or(Lost::ReturnUsed)?;
        let (authenticator, state) = (authenticator.to_owned(), state.to_owned());
        let back = Return { authenticator, state, encoded: Zeroizing::default() };
        self.awaited(id, &held.transaction, &back)?;
        let modules = self.modules();
        let enabled = modules.authenticator(&back.authenticator);
        if !enabled.is_some_and(|enabled| enabled.module.takes_tickets()) {
            return Err(Lost::ReturnToAnother.into());
        }
        Ok(back.authenticator)
    }

    async fn try_returned(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        back: Return,
        carrier: Carrier,
    ) -> Result<Reply, Stop> {
        let id = transaction_of(&back.state)?;
        let held = self.held_transaction(id, visitor.browser.as_deref()).await?;
        let mut held = held.map_err(|lost| if lost == Lost::Unknown { Lost::ReturnUnknown } else { lost })?;
        let mut awaited = self.awaited(id, &held.transaction, &back)?;
        if let Some(reply) = self.own_page_anew(visitor, modules, &held.transaction).await? {
            return Ok(reply);
        }
        let now = self.installation.clock.now();
        let until = now.plus(self.lifetimes.transaction);
        if !self.installation.store.remember(STATES, &back.state, until, now).await? {
            return Err(Lost::ReturnUsed.into());
        }
        let state = std::mem::take(&mut awaited.state);
        let event = Event::Returned(Returned(back.encoded.to_string()));
        match held.transaction.stage.clone() {
            Stage::Elsewhere { demand, progress, authenticator, .. } => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                self.proceed_authenticator(sign_in, Asked::elsewhere(authenticator, state, carrier), event)
                    .await
            }
            Stage::SignInEnrolElsewhere { demand, progress, authenticator, .. } => {
                let sign_in = SignIn { visitor, modules, held: &mut held, demand, progress };
                let brought = Brought { state, answer: event, carrier: Some(carrier) };
                self.proceed_enrolment_at_sign_in(sign_in, &authenticator, brought).await
            }
            Stage::EnrolElsewhere { session, authenticator, task, .. } => {
                let errand =
                    Errand { visitor, modules, session: &session, authenticator: &authenticator, task };
                let brought = Brought { state, answer: event, carrier: Some(carrier) };
                self.go_on_errand(errand, held, Some(brought)).await
            }
            _ => Err(Lost::ReturnUsed.into()),
        }
    }

    async fn try_posted(&self, visitor: &Visitor, back: Return) -> Result<Reply, Stop> {
        // What nobody waits for takes no place here.
        let id = transaction_of(&back.state)?;
        let now = self.installation.clock.now();
        let found = self.installation.store.transaction(fingerprint(id), now).await?;
        let (_, data) = found.ok_or(Lost::ReturnUnknown)?;
        self.awaited(id, &self.read(id, &data)?, &back)?;
        let handle = secret(self.installation.randomness.as_ref());
        let location = format!("{RETURN}{}?handle={handle}", back.authenticator);
        let Return { authenticator, state, encoded } = back;
        let (handle, address) = (fingerprint(&handle), visitor.address);
        self.posted.keep(Posted { handle, authenticator, state, encoded, address, at: now });
        Ok(Reply::redirect(location))
    }

    /// What the transaction waits for, when it is this.
    fn awaited(&self, id: &str, transaction: &Transaction, back: &Return) -> Result<Awaited, Stop> {
        let (authenticator, sealed) = transaction.stage.elsewhere().ok_or(Lost::ReturnUsed)?;
        if *authenticator != back.authenticator {
            return Err(Lost::ReturnToAnother.into());
        }
        let json = self.installation.keys.open(&["elsewhere", authenticator, id], sealed)?;
        let awaited: Awaited =
            serde_json::from_slice(&json).map_err(|error| Unavailable::new("store", error))?;
        if !bool::from(awaited.redirect_state.as_bytes().ct_eq(back.state.as_bytes())) {
            return Err(Lost::ReturnUsed.into());
        }
        Ok(awaited)
    }
}

impl Flow {
    /// Sends the person where the authenticator wants, which [`Flow::judged`] has judged.
    pub(super) async fn send_away(
        &self,
        mut sign_in: SignIn<'_>,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        redirection: Redirection,
    ) -> Result<Reply, Stop> {
        let authenticator = enabled.name().clone();
        let Redirection { url, state } = redirection;
        let sealed = self.sealed_awaited(sign_in.held, enabled, services, state)?;
        sign_in.progress.component = enabled.module.digest().to_owned();
        sign_in.held.transaction.stage = Stage::Elsewhere {
            demand: sign_in.demand,
            progress: sign_in.progress,
            authenticator: authenticator.clone(),
            sealed,
        };
        self.keep_transaction(sign_in.held).await??;
        Ok(sent_away(url, services))
    }

    /// What somebody is expected with, as a transaction keeps it.
    pub(super) fn sealed_awaited(
        &self,
        held: &Held,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        state: Vec<u8>,
    ) -> Result<Vec<u8>, Unavailable> {
        let awaited = Awaited { redirect_state: services.redirect_state().to_owned(), state };
        let json = serde_json::to_vec(&awaited).map_err(|error| Unavailable::new("store", error))?;
        let place = ["elsewhere", enabled.name(), &held.id];
        self.installation.keys.seal(&place, &Zeroizing::new(json))
    }

    /// What came of a call, unless it sends somebody where it may not.
    pub(super) fn judged(
        &self,
        enabled: &EnabledAuthenticator,
        services: &AuthenticatorServices,
        done: Result<Step, ModuleFailure>,
    ) -> Result<Step, ModuleFailure> {
        if let Ok(Step::Redirect(redirection)) = &done {
            let (base_url, granted) = (&self.installation.base_url, enabled.redirects.as_deref());
            match services.posted_fields() {
                None => redirection.check(base_url, granted),
                Some(_) => redirection.check_post(base_url, granted),
            }
            .map_err(|error| misuse(enabled, &error.to_string()))?;
        }
        done
    }

    /// Where people come back to whom the authenticator sent away; empty when it may send nobody.
    pub(super) fn return_of(&self, enabled: &EnabledAuthenticator) -> String {
        if enabled.redirects.is_none() {
            return String::new();
        }
        format!("{}{RETURN}{}", self.installation.base_url, enabled.name())
    }

    /// A state for a next attempt: the transaction, and what nobody can guess. 45 characters.
    pub(super) fn new_state(&self, held: &Held) -> String {
        format!("{}.{}", held.id, identifier(self.installation.randomness.as_ref()))
    }

    /// Too many tries of a further step: what the person has come back with is not looked at. They are sent
    /// again later.
    pub(super) async fn back_too_soon(&self, mut sign_in: SignIn<'_>, seconds: u32) -> Result<Reply, Stop> {
        sign_in.set(None);
        self.keep_transaction(sign_in.held).await??;
        Ok(too_soon(seconds))
    }

    /// For somebody who was sent elsewhere and has come back without an answer, and has another way: to be
    /// sent again, or to take that one.
    pub(super) fn left_page(&self, sign_in: &SignIn<'_>, name: &str, other: &EnabledAuthenticator) -> Reply {
        let enabled = sign_in.modules.authenticator(name);
        let description = enabled.map(|enabled| enabled.module.description());
        let own_title = |enabled: &EnabledAuthenticator| enabled.module.title().map(str::to_owned);
        let title = description.map_or_else(|| Text::of("sign-in.title"), |known| known.title.clone());
        let held = &sign_in.held;
        Reply::page(Page::SignIn(SignInPage {
            transaction: held.id.clone(),
            anti_forgery: self.anti_forgery(&held.id, &held.browser),
            application: application_name(held),
            enrols: false,
            challenge: Challenge {
                title,
                elements: Vec::new(),
                submit: Text::of("sign-in.continue"),
                error: None,
                state: Vec::new(),
            },
            translations: description.map_or_else(|| [].into(), |known| known.translations.clone()),
            title: enabled.and_then(own_title),
            has_other: true,
            other: own_title(other),
            named: sign_in.progress.hint.clone().filter(|_| Self::shows_name(sign_in)),
            remember: None,
            is_closed: false,
        }))
    }
}

/// Nothing was looked at: the next try is in so many seconds.
pub(super) fn too_soon(seconds: u32) -> Reply {
    Reply::page(Page::Refused {
        status: 429,
        audience: Audience::Browser,
        message: "error.throttled",
        retry_after: Some(seconds),
    })
}

/// Where the call sends somebody: by GET, or from a page that posts what it said.
pub(super) fn sent_away(url: String, services: &AuthenticatorServices) -> Reply {
    match services.posted_fields() {
        None => Reply::redirect(url),
        Some(PostedFields(fields)) => {
            Reply::new(Action::FormPost(FormPost { action: url, fields, refusal: None }))
        }
    }
}

/// The transaction that the state names.
fn transaction_of(state: &str) -> Result<&str, Lost> {
    state.split_once('.').map(|(id, _)| id).ok_or(Lost::ReturnUnknown)
}
