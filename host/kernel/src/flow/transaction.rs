//! Login transactions: what the kernel keeps between an application's request and the answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::Flow;
use super::errand::Task;
use super::kept_challenge::KeptChallenge;
use super::linking::Linking;
use super::progress::Progress;
use crate::module::{Demand, Logout};
use crate::randomness::{fingerprint, identifier};
use crate::unavailable::Unavailable;

/// A transaction as the store keeps it. Fields are added, never changed: the version before must
/// be able to read what this one wrote, and this one what the version before wrote.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// The module that goes on afterwards.
    pub(super) module: String,
    /// [`crate::store::Application::id`] and the name to show.
    pub(super) application: Option<(String, String)>,
    /// What it is about.
    pub(super) stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// Somebody has to sign in.
    SignIn {
        demand: Demand,
        /// The authenticator in charge and the form that it wants shown. None: it has not begun.
        challenge: Option<(String, KeptChallenge)>,
        #[serde(default)]
        progress: Box<Progress>,
    },
    /// Somebody who is signing in is with an outside provider, and is waited for.
    Elsewhere {
        demand: Demand,
        progress: Box<Progress>,
        /// The authenticator that sent them.
        authenticator: String,
        /// What they come back with, and the authenticator's own state: sealed.
        #[serde(with = "crate::opaque")]
        sealed: Vec<u8>,
    },
    /// Somebody who is signing in sets up what the step under way asks for.
    SignInEnrol {
        demand: Demand,
        progress: Box<Progress>,
        /// The authenticator in charge.
        authenticator: String,
        /// As in [`Stage::Enrol`].
        #[serde(with = "crate::opaque")]
        sealed: Vec<u8>,
    },
    /// They are elsewhere for it, and are waited for.
    SignInEnrolElsewhere {
        demand: Demand,
        progress: Box<Progress>,
        /// The authenticator that sent them.
        authenticator: String,
        /// As in [`Stage::Elsewhere`].
        #[serde(with = "crate::opaque")]
        sealed: Vec<u8>,
    },
    /// Whoever is signed in has to agree.
    Consent {
        demand: Demand,
        /// [`crate::store::Session::id`] of whom is asked.
        session: String,
    },
    /// Whoever is signed in looks after their factors.
    Factors {
        /// [`crate::store::Session::id`] of whom they belong to.
        session: String,
    },
    /// Whoever is signed in looks after their sessions.
    Sessions {
        /// [`crate::store::Session::id`] of whom they belong to.
        session: String,
    },
    /// Whoever is signed in changes their password.
    Password {
        /// [`crate::store::Session::id`] of who does.
        session: String,
        /// Message key of what came of the last try.
        said: Option<String>,
    },
    /// Whoever is signed in sets one up, or links an identity from outside.
    Enrol {
        /// [`crate::store::Session::id`] of who does.
        session: String,
        /// The authenticator in charge.
        authenticator: String,
        /// The form that it wants shown, with the secret that is being set up: sealed.
        #[serde(with = "crate::opaque")]
        sealed: Vec<u8>,
        #[serde(default)]
        task: Task,
    },
    /// They are elsewhere for it, and are waited for.
    EnrolElsewhere {
        /// [`crate::store::Session::id`] of who is.
        session: String,
        /// The authenticator that sent them.
        authenticator: String,
        /// As in [`Stage::Elsewhere`].
        #[serde(with = "crate::opaque")]
        sealed: Vec<u8>,
        #[serde(default)]
        task: Task,
    },
    /// Whoever is signed in has to say whether this identity is to be theirs.
    Link {
        /// [`crate::store::Session::id`] of who has.
        session: String,
        linking: Linking,
        /// It is somebody else's: they are told so.
        is_taken: bool,
    },
    /// Whoever is signed in has to say whether the session ends.
    SignOut { logout: Logout },
}

impl Stage {
    /// The authenticator that has sent the person elsewhere, and what they come back with, sealed.
    pub(super) fn elsewhere(&self) -> Option<(&str, &[u8])> {
        match self {
            Self::Elsewhere { authenticator, sealed, .. }
            | Self::SignInEnrolElsewhere { authenticator, sealed, .. }
            | Self::EnrolElsewhere { authenticator, sealed, .. } => Some((authenticator, sealed)),
            _ => None,
        }
    }
}

/// A transaction that the visitor's browser holds.
pub(super) struct Held {
    pub(super) id: String,
    pub(super) transaction: Transaction,
    /// The browser cookie's value.
    pub(super) browser: String,
}

/// Why a transaction can't go on. The visitor sees the same page for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Unknown, taken or expired.
    Unknown,
    /// It belongs to another browser.
    OtherBrowser,
    /// The form was not made for this transaction and browser.
    Forged,
    /// What was sent doesn't fit the stage.
    OutOfStep,
    /// Nobody was sent elsewhere with this state, or they have come back too late.
    ReturnUnknown,
    /// Somebody was sent elsewhere with it by another authenticator.
    ReturnToAnother,
    /// Somebody has come back with it already, or was sent elsewhere again since.
    ReturnUsed,
}

impl Lost {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Unknown => "sign-on.transaction.unknown",
            Self::OtherBrowser => "sign-on.browser.mismatch",
            Self::Forged => "sign-on.anti-forgery.mismatch",
            Self::OutOfStep => "sign-on.step.unexpected",
            Self::ReturnUnknown => "sign-on.return.unknown",
            Self::ReturnToAnother => "sign-on.return.to-another",
            Self::ReturnUsed => "sign-on.return.used",
        }
    }
}

impl Flow {
    /// Keeps a new transaction and returns its identifier.
    pub(super) async fn begin_transaction(
        &self,
        transaction: &Transaction,
        browser: Option<&str>,
    ) -> Result<String, Unavailable> {
        let id = identifier(self.installation.randomness.as_ref());
        let until = self.installation.clock.now().plus(self.lifetimes.transaction);
        let data = self.written(&id, transaction)?;
        self.installation
            .store
            .add_transaction(fingerprint(&id), browser.map(fingerprint), &data, until)
            .await?;
        Ok(id)
    }

    /// The transaction, when it is bound to this browser.
    pub(super) async fn held_transaction(
        &self,
        id: &str,
        browser: Option<&str>,
    ) -> Result<Result<Held, Lost>, Unavailable> {
        let now = self.installation.clock.now();
        let Some((bound, data)) = self.installation.store.transaction(fingerprint(id), now).await? else {
            return Ok(Err(Lost::Unknown));
        };
        let (Some(bound), Some(browser)) = (bound, browser) else {
            return Ok(Err(Lost::OtherBrowser));
        };
        if !bool::from(bound.0.ct_eq(&fingerprint(browser).0)) {
            return Ok(Err(Lost::OtherBrowser));
        }
        Ok(Ok(Held { id: id.into(), transaction: self.read(id, &data)?, browser: browser.into() }))
    }

    /// Writes what has become of the transaction; [`Lost::Unknown`] when it is gone meanwhile.
    pub(super) async fn keep_transaction(&self, held: &Held) -> Result<Result<(), Lost>, Unavailable> {
        let data = self.written(&held.id, &held.transaction)?;
        let now = self.installation.clock.now();
        let kept = self.installation.store.update_transaction(fingerprint(&held.id), &data, now).await?;
        Ok(if kept { Ok(()) } else { Err(Lost::Unknown) })
    }

    /// Takes the transaction away: one caller goes on, however often the form was sent.
    pub(super) async fn take_transaction(&self, id: &str) -> Result<Result<(), Lost>, Unavailable> {
        let now = self.installation.clock.now();
        let taken = self.installation.store.take_transaction(fingerprint(id), now).await?;
        Ok(if taken.is_some() { Ok(()) } else { Err(Lost::Unknown) })
    }

    /// As the store keeps it: the state of a challenge is sealed for this transaction and authenticator.
    fn written(&self, id: &str, transaction: &Transaction) -> Result<Vec<u8>, Unavailable> {
        let mut transaction = transaction.clone();
        if let Stage::SignIn { challenge: Some((name, challenge)), .. } = &mut transaction.stage {
            challenge.seal(self.installation.keys.as_ref(), &["challenge", name, id])?;
        }
        encode(&transaction)
    }

    /// From the store.
    pub(super) fn read(&self, id: &str, data: &[u8]) -> Result<Transaction, Unavailable> {
        let mut transaction = decode(data)?;
        if let Stage::SignIn { challenge: Some((name, challenge)), .. } = &mut transaction.stage {
            challenge.open(self.installation.keys.as_ref(), &["challenge", name, id])?;
        }
        Ok(transaction)
    }

    /// The token of the form that is due now. That of a link is good for this identity alone: a page that was shown
    /// before is no answer to the question that the person has not read.
    pub(super) fn form_token(&self, held: &Held) -> String {
        match &held.transaction.stage {
            Stage::Link { linking, .. } => {
                self.anti_forgery(&format!("{}:{}", held.id, linking.mark()), &held.browser)
            }
            _ => self.anti_forgery(&held.id, &held.browser),
        }
    }

    /// The token of a transaction's form: nobody else than this browser gets to see it.
    pub(super) fn anti_forgery(&self, id: &str, browser: &str) -> String {
        let message = format!("{}:{id}:{browser}", id.len());
        URL_SAFE_NO_PAD.encode(self.installation.keys.mac("anti-forgery", message.as_bytes()))
    }
}

fn encode(transaction: &Transaction) -> Result<Vec<u8>, Unavailable> {
    serde_json::to_vec(transaction).map_err(|error| Unavailable::new("store", error))
}

fn decode(data: &[u8]) -> Result<Transaction, Unavailable> {
    serde_json::from_slice(data).map_err(|error| Unavailable::new("store", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::{Challenge, Element};

    /// As the release before steps wrote it.
    const BEFORE: &str = r#"{"module":"oidc","application":["a-1","Wiki"],"stage":{"sign-in":{"demand":{
        "relying_party":"a-1","force":false,"passive":false,"select_account":false,"max_age":null,
        "contexts":[],"login_hint":null,"consent":[],"consent_anew":false,"state":"AQI"},
        "challenge":["password",{"title":"sign-in.title","fields":[{"name":"username","kind":"Text",
        "label":"sign-in.username","value":"alice","required":true,"autocomplete":"username"}],
        "submit":"sign-in.submit","error":"sign-in.wrong","state":"Aw"}]}}}"#;

    #[test]
    fn transactions_of_the_release_before_go_on() {
        let Stage::SignIn { challenge: Some((name, kept)), progress, .. } =
            decode(BEFORE.as_bytes()).unwrap().stage
        else {
            panic!("another stage")
        };
        assert_eq!((name.as_str(), *progress), ("password", Progress::default()));
        let challenge = Challenge::from(kept);
        assert_eq!(challenge.error.unwrap().key, "sign-in.wrong");
        assert_eq!(challenge.state, [3]);
        let [Element::Field(field)] = &challenge.elements[..] else { panic!("other elements") };
        assert_eq!((field.label.key.as_str(), field.value.as_str()), ("sign-in.username", "alice"));
    }

    /// It reads what it knows, and finds all of it.
    #[test]
    fn the_release_before_goes_on_with_transactions_of_ours() {
        let before: serde_json::Value = serde_json::from_str(BEFORE).unwrap();
        let transaction = decode(BEFORE.as_bytes()).unwrap();
        let Stage::SignIn { demand, challenge: Some((name, kept)), progress } = transaction.stage else {
            panic!("another stage")
        };
        let kept = KeptChallenge::from(Challenge::from(kept));
        let stage = Stage::SignIn { demand, challenge: Some((name, kept)), progress };
        let ours = Transaction { stage, ..decode(BEFORE.as_bytes()).unwrap() };
        let ours = serde_json::to_value(&ours).unwrap();
        assert_has(&ours, &before);
    }

    fn assert_has(ours: &serde_json::Value, before: &serde_json::Value) {
        match before {
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, value)| assert_has(&ours[name], value));
            }
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| assert_has(&ours[index], value));
            }
            other => assert_eq!(ours, other),
        }
    }
}
