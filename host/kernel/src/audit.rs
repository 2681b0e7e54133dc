//! The audit log: one structured event for each thing that somebody may have to answer for.

/// An event. Never a secret, never a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened: `sign-in.succeeded`, `sign-in.failed`, `request.refused`, `token.issued`,
    /// `session.ended`, `user.added`, ….
    pub name: &'a str,
    /// The module or authenticator that it happened in.
    pub module: Option<&'a str>,
    /// [`crate::store::Application::id`].
    pub relying_party: Option<&'a str>,
    /// Whom it is about.
    pub subject: Option<&'a str>,
    /// The request, as the person's error page shows it.
    pub correlation: Option<&'a str>,
    /// Further facts by name.
    pub fields: &'a [(&'a str, &'a str)],
}

/// Where audit events go.
pub trait Audit: Send + Sync {
    /// Records the event.
    fn record(&self, event: &Event<'_>);
}
