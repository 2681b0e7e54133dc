//! What the flow answers, before the server makes HTTP of it.

use crate::authenticator::Challenge;
use crate::module::{Audience, Document, FormPost};

/// An answer.
pub struct Reply {
    /// What the browser is to do or see.
    pub action: Action,
    /// What becomes of the session cookie.
    pub session: CookieChange,
    /// What becomes of the browser cookie.
    pub browser: CookieChange,
    /// What becomes of the device cookie.
    pub device: CookieChange,
}

impl Reply {
    pub(super) fn new(action: Action) -> Self {
        Self { action, session: CookieChange::Keep, browser: CookieChange::Keep, device: CookieChange::Keep }
    }

    pub(super) fn page(page: Page) -> Self {
        Self::new(Action::Page(page))
    }

    pub(super) fn redirect(location: String) -> Self {
        Self::new(Action::Redirect(location))
    }

    pub(super) fn with_session(mut self, session: CookieChange) -> Self {
        self.session = session;
        self
    }

    pub(super) fn with_device(mut self, device: CookieChange) -> Self {
        self.device = device;
        self
    }

    pub(super) fn with_browser(mut self, browser: CookieChange) -> Self {
        self.browser = browser;
        self
    }
}

/// What becomes of a cookie.
#[derive(Clone, PartialEq, Eq)]
pub enum CookieChange {
    /// It stays as it is.
    Keep,
    /// It gets this value.
    Set(String),
    /// It goes.
    Clear,
}

/// What the browser is to do or see.
pub enum Action {
    /// A document of the protocol's own.
    Document(Document),
    /// 303 See Other: an absolute URL of an application, or an absolute path of ours.
    Redirect(String),
    /// A page that posts to an application.
    FormPost(FormPost),
    /// A page of ours.
    Page(Page),
}

/// A page of ours. The server renders it.
pub enum Page {
    /// Sign in.
    SignIn {
        /// Form field `t`.
        transaction: String,
        /// Form field `anti-forgery`.
        anti_forgery: String,
        /// The application's name.
        application: String,
        /// What to ask. Fields are sent back as `f.` and their name.
        challenge: Challenge,
    },
    /// Agree to what an application asks for.
    Consent {
        /// Form field `t`.
        transaction: String,
        /// Form field `anti-forgery`.
        anti_forgery: String,
        /// The application's name.
        application: String,
        /// Who is signed in.
        username: String,
        /// What is asked for.
        items: Vec<String>,
    },
    /// End the session, or not.
    ConfirmSignOut {
        /// Form field `t`.
        transaction: String,
        /// Form field `anti-forgery`.
        anti_forgery: String,
        /// Who is signed in.
        username: String,
    },
    /// The session has ended.
    SignedOut,
    /// Something was refused or failed. Neutral: the reason is in the log.
    Refused {
        /// HTTP status.
        status: u16,
        /// Who reads it.
        audience: Audience,
        /// Message key: `error.request`, `error.expired`, `error.internal`, `error.unavailable`.
        message: &'static str,
        /// Seconds after which it may work.
        retry_after: Option<u32>,
    },
}
