//! Login transactions: what the kernel keeps between an application's request and the answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::Flow;
use crate::authenticator::Challenge;
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
        challenge: Option<(String, Challenge)>,
    },
    /// Whoever is signed in has to agree.
    Consent {
        demand: Demand,
        /// [`crate::store::Session::id`] of whom is asked.
        session: String,
    },
    /// Whoever is signed in has to say whether the session ends.
    SignOut { logout: Logout },
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
}

impl Lost {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Unknown => "sign-on.transaction.unknown",
            Self::OtherBrowser => "sign-on.browser.mismatch",
            Self::Forged => "sign-on.anti-forgery.mismatch",
            Self::OutOfStep => "sign-on.step.unexpected",
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
        let data = encode(transaction)?;
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
        Ok(Ok(Held { id: id.into(), transaction: decode(&data)?, browser: browser.into() }))
    }

    /// Writes what has become of the transaction; [`Lost::Unknown`] when it is gone meanwhile.
    pub(super) async fn keep_transaction(&self, held: &Held) -> Result<Result<(), Lost>, Unavailable> {
        let data = encode(&held.transaction)?;
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

    /// The token of a transaction's form: nobody else than this browser gets to see it.
    pub(super) fn anti_forgery(&self, id: &str, browser: &str) -> String {
        let message = format!("{}:{id}:{browser}", id.len());
        URL_SAFE_NO_PAD.encode(self.installation.keys.mac("anti-forgery", message.as_bytes()))
    }
}

fn encode(transaction: &Transaction) -> Result<Vec<u8>, Unavailable> {
    serde_json::to_vec(transaction).map_err(|error| Unavailable::new("store", error))
}

pub(super) fn decode(data: &[u8]) -> Result<Transaction, Unavailable> {
    serde_json::from_slice(data).map_err(|error| Unavailable::new("store", error))
}
