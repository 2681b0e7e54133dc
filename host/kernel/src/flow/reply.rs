//! What the flow answers, before the server makes HTTP of it.

use super::own_pages::OwnPage;
use crate::authenticator::{Challenge, Text, Translations};
use crate::clock::Timestamp;
use crate::credentials::Credential;
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
    /// What becomes of the cookie of a remembered device.
    pub remembered: CookieChange,
}

impl Reply {
    pub(super) fn new(action: Action) -> Self {
        let keep = || CookieChange::Keep;
        Self { action, session: keep(), browser: keep(), device: keep(), remembered: keep() }
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

    pub(super) fn with_remembered(mut self, remembered: CookieChange) -> Self {
        self.remembered = remembered;
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

/// A page that shows a challenge.
pub struct SignInPage {
    /// Form field `t`.
    pub transaction: String,
    /// Form field `anti-forgery`.
    pub anti_forgery: String,
    /// The application's name; empty when it is ourselves.
    pub application: String,
    /// Whether somebody who is signed in sets a factor up.
    pub enrols: bool,
    /// What to ask. Fields are sent back as `f.` and their name.
    pub challenge: Challenge,
    /// The component's own texts.
    pub translations: Translations,
    /// What the operator calls the way that is shown, where they say so. Text.
    pub title: Option<String>,
    /// Whether there is another way, by the action `other`.
    pub has_other: bool,
    /// The same of that way.
    pub other: Option<String>,
    /// Who is to prove it, where people are asked for their name first; back by the action `not-you`.
    pub named: Option<String>,
    /// Seconds for which the device can be remembered, with the form field `remember` and the value `yes`.
    pub remember: Option<u64>,
    /// Whether nothing but the way back is left.
    pub is_closed: bool,
}

/// The page of a person's own factors.
pub struct FactorsPage {
    /// Form field `t`.
    pub transaction: String,
    /// Form field `anti-forgery`.
    pub anti_forgery: String,
    /// Who is signed in.
    pub username: String,
    /// The pages of the account area that there are.
    pub pages: Vec<OwnPage>,
    /// What can be set up: each with the action `enrol` and the field `f.authenticator`.
    pub factors: Vec<FactorOf>,
    /// Outside identities that are theirs: each is removed with the action `unlink` and the field `f.link`.
    pub links: Vec<OwnLink>,
    /// Where identities come from that they may link: each with the action `link` and the field
    /// `f.authenticator`.
    pub linkable: Vec<LinkOf>,
}

/// An authenticator whose identities people link with their account.
pub struct LinkOf {
    /// The authenticator's name.
    pub authenticator: String,
    /// What the operator calls it, where they say so. Text.
    pub own_title: Option<String>,
    /// What people call it.
    pub title: Text,
    /// The component's own texts.
    pub translations: Translations,
}

/// An outside identity of the person's.
pub struct OwnLink {
    /// [`crate::store::Link::id`].
    pub id: String,
    /// What the operator calls the authenticator, where they say so. Text.
    pub own_title: Option<String>,
    /// What people call it.
    pub title: Text,
    /// The component's own texts.
    pub translations: Translations,
    /// What people call the identity.
    pub label: String,
    /// Whether they could not sign in without it: then it stays.
    pub is_last_way: bool,
}

/// A factor that people set up themselves.
pub struct FactorOf {
    /// The authenticator's name.
    pub authenticator: String,
    /// What the operator calls it, where they say so. Text.
    pub own_title: Option<String>,
    /// What people call it.
    pub title: Text,
    /// The component's own texts.
    pub translations: Translations,
    /// What the person has set up: removed with the action `remove` and the fields `f.authenticator`
    /// and `f.credential`.
    pub credentials: Vec<Credential>,
    /// Whether it is locked after too many failures: unlocked with the action `unlock` and the field
    /// `f.authenticator`.
    pub is_locked: bool,
}

/// The page of a person's own sessions.
pub struct SessionsPage {
    /// Form field `t`.
    pub transaction: String,
    /// Form field `anti-forgery`.
    pub anti_forgery: String,
    /// Who is signed in.
    pub username: String,
    /// The pages of the account area that there are.
    pub pages: Vec<OwnPage>,
    /// The present one first. Others are ended with the action `end` and the field `f.session`, all
    /// others at once with `end-others`.
    pub sessions: Vec<OwnSession>,
}

/// A session of the person's.
pub struct OwnSession {
    /// [`crate::store::Session::id`].
    pub id: String,
    /// Whether it is the one that the page is shown in.
    pub is_current: bool,
    /// What the browser said of itself at the last sign-in. May be empty.
    pub user_agent: String,
    /// Where that came from. May be empty.
    pub address: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to a minute.
    pub last_used_at: Timestamp,
    /// The names of the applications that it has signed in to.
    pub applications: Vec<String>,
}

/// The page on which a person changes their password, with the action `change`.
pub struct PasswordPage {
    /// Form field `t`.
    pub transaction: String,
    /// Form field `anti-forgery`.
    pub anti_forgery: String,
    /// Who is signed in.
    pub username: String,
    /// The pages of the account area that there are.
    pub pages: Vec<OwnPage>,
    /// Whether it was changed just now.
    pub is_changed: bool,
    /// Message key of why it was not.
    pub error: Option<String>,
}

/// A page of ours. The server renders it.
#[allow(clippy::large_enum_variant, reason = "one for each request, and the sign-in page is the usual one")]
pub enum Page {
    /// Sign in, or set up a factor.
    SignIn(SignInPage),
    /// The person's own factors.
    Factors(FactorsPage),
    /// The person's own sessions.
    Sessions(SessionsPage),
    /// Another password.
    Password(PasswordPage),
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
        /// Message key: `error.request`, `error.expired`, `error.internal`, `error.unavailable`,
        /// `error.denied`.
        message: &'static str,
        /// Seconds after which it may work.
        retry_after: Option<u32>,
    },
}
