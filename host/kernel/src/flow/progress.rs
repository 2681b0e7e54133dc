//! How far a sign-in is.

use serde::{Deserialize, Serialize};

use super::linking::Linking;
use super::policy::Decided;
use crate::authenticator::Person;
use crate::clock::Timestamp;
use crate::throttle::Pool;

/// What has been proven so far. Kept in the transaction: fields are added, never changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    /// Steps that are done.
    pub(super) done: usize,
    /// Whom they found. From then on it is about nobody else.
    pub(super) person: Option<Person>,
    /// RFC 8176.
    pub(super) methods: Vec<String>,
    /// The context that each step reached.
    pub(super) contexts: Vec<String>,
    /// Those that did the steps. None does two.
    pub(super) authenticators: Vec<String>,
    /// Those of them that were several factors by themselves, by the methods that they said themselves.
    pub(super) several: Vec<String>,
    /// Those for which this device is remembered, and whose steps it did. None does two.
    pub(super) skipped: Vec<String>,
    /// When the first step was done in this transaction, and what the person's password was known by then
    /// ([`crate::directory::Directory::device_binding`]).
    pub(super) proven: Option<(Timestamp, String)>,
    /// Alternatives of the step under way that the person has not set up, or that are broken.
    pub(super) out: Vec<String>,
    /// The alternative that the person chose.
    pub(super) chosen: Option<String>,
    /// The session that this goes on from, and when its person proved who they are.
    pub(super) session: Option<(String, Timestamp)>,
    /// When they last showed in that session that they are there.
    pub(super) session_proven: Option<Timestamp>,
    /// In this transaction they have shown that they are there.
    pub(super) present: bool,
    /// They have to show that they are there, whatever the application asks for.
    pub(super) wants_presence: bool,
    /// The person wants this device to be remembered.
    pub(super) wants_remembering: bool,
    /// By which authenticator, and for how many seconds: once all steps are done.
    pub(super) remember: Option<(String, u64)>,
    /// The file of the authenticator whose challenge is shown: its SHA-256 in hexadecimal.
    pub(super) component: String,
    /// The links whose identities did steps, by their identifiers: what they began ends with them.
    pub(super) links: Vec<String>,
    /// The outside identity that becomes the person's when all steps are done.
    pub(super) linking: Option<Linking>,
    /// They came with an identity from outside that is nobody's, and take another way.
    pub(super) is_not_here: bool,
    /// The person may not: only the way back is left.
    pub(super) denied: bool,
    /// Why, when it is the policy that denies: a message key.
    pub(super) denial: Option<String>,
    /// What the policy decided when it was asked last.
    pub(super) decided: Option<Decided>,
    /// What it asked for beyond the steps of another realm, which the person left.
    pub(super) owed: Vec<Vec<String>>,
    /// The name that the person said, or the application for them, where people are asked for it first.
    pub(super) hint: Option<String>,
    /// The authenticator of that name's realm, or of the realm that the session began in.
    pub(super) realm: Option<String>,
    /// The person is somebody else than the application said.
    pub(super) asks_name: bool,
    /// Failures of the person before the successes of this sign-in, for the policy.
    pub(super) failures: u32,
    /// What its successes are counted among: failures there are forgotten when all steps are done.
    pub(super) passed: Vec<Pool>,
}

impl Progress {
    pub(super) fn subject(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.subject.as_str())
    }
}
