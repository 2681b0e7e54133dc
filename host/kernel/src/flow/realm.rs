//! Home-realm discovery: people say who they are before anybody asks for a proof, and the domain of their e-mail
//! address says which authenticator finds them. The page is the host's own, and what follows tells by the domain
//! alone: nobody learns from it whether there is such an account.

use std::collections::BTreeMap;

use super::complete::Stop;
use super::policy::joined;
use super::progress::Progress;
use super::sign_in::SignIn;
use super::transaction::Lost;
use super::{EnabledAuthenticator, Flow, ModuleSet, Reply};
use crate::authenticator::{Challenge, Element, Field, FieldKind, Form, Text};

/// Where an authenticator's name would stand while the person is asked who they are: none can have such a name.
pub(super) const ASKING: &str = "home-realm:name";

/// The form field.
const NAME: &str = "username";

/// Bytes of a name.
const MOST: usize = 256;

/// Which authenticator finds out who somebody is, by the domain of their e-mail address.
#[derive(Clone, Debug, Default)]
pub struct Realms(BTreeMap<String, String>);

impl Realms {
    /// Domains in lower case, each with the authenticator's name: `example.org` is that domain alone,
    /// `.example.org` those below it.
    pub fn new(authenticators: BTreeMap<String, String>) -> Self {
        Self(authenticators)
    }

    /// Whether people are not asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The authenticators, by their domains.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// The authenticator of the address's domain: the longest that fits. None of a name that is no address, or of
    /// a domain that is not ASCII.
    pub fn find(&self, name: &str) -> Option<&str> {
        let (_, domain) = name.rsplit_once('@')?;
        if !domain.is_ascii() || domain.starts_with('.') {
            return None;
        }
        let domain = domain.to_ascii_lowercase();
        if let Some(found) = self.0.get(&domain) {
            return Some(found);
        }
        let ends = domain.char_indices().filter(|(at, char)| *char == '.' && *at > 0);
        let mut ends = ends.filter_map(|(at, _)| self.0.get(domain.get(at..)?));
        ends.next().map(String::as_str)
    }

    fn has(&self, authenticator: &str) -> bool {
        self.0.values().any(|own| own == authenticator)
    }
}

impl Progress {
    /// The person has said who they are, or the application did for them.
    fn is_told(&mut self, realms: &Realms, name: String) {
        self.enter(realms.find(&name).map(str::to_owned));
        self.hint = Some(name);
        self.out.clear();
        self.chosen = None;
    }

    /// The policy was asked about the steps of the other realm, and is asked anew. What it asked for beyond
    /// these stays: nobody is rid of it by another name.
    fn enter(&mut self, realm: Option<String>) {
        if realm != self.realm
            && let Some(decided) = self.decided.take()
        {
            self.owed = joined(&self.owed, decided.beyond);
        }
        self.realm = realm;
    }

    /// The steps are those of somebody from no realm. False: they were so before.
    pub(super) fn leave_realm(&mut self) -> bool {
        let had_one = self.realm.is_some();
        self.enter(None);
        had_one
    }

    /// Whose identity is about to be linked said who they are elsewhere: what they are called here the name does
    /// not tell.
    fn is_at_the_beginning(&self) -> bool {
        self.done == 0 && self.person.is_none() && self.linking.is_none() && !self.denied
    }
}

impl ModuleSet {
    /// The first step of somebody from a realm: its authenticator, unless the application's own steps do not offer
    /// it.
    pub(super) fn put_realm<'m>(
        &'m self,
        steps: &mut [Vec<&'m EnabledAuthenticator>],
        realm: Option<&str>,
        has_own_steps: bool,
    ) {
        let Some(enabled) = realm.and_then(|name| self.authenticator(name)) else { return };
        let Some(first) = steps.first_mut() else { return };
        if !has_own_steps || first.iter().any(|offered| offered.name() == enabled.name()) {
            *first = vec![enabled];
        }
    }

    /// The realm that a session began in: of the authenticators that it was signed in to with.
    pub(super) fn realm_of(&self, authenticators: &[String], first: Option<&Vec<String>>) -> Option<String> {
        let is_configured = |name: &String| first.is_some_and(|first| first.contains(name));
        if authenticators.iter().any(is_configured) {
            return None;
        }
        authenticators.iter().find(|name| self.realms.has(name)).cloned()
    }
}

impl Flow {
    /// Takes the name that the application said, once.
    pub(super) fn take_hint(sign_in: &mut SignIn<'_>) {
        let SignIn { modules, demand, progress, .. } = sign_in;
        let is_open = progress.hint.is_none() && !progress.asks_name && progress.is_at_the_beginning();
        if modules.realms.is_empty() || !is_open {
            return;
        }
        if let Some(name) = demand.login_hint.clone().filter(|name| is_name(name)) {
            progress.is_told(&modules.realms, name);
        }
    }

    /// The page that asks who the person is. `None`: it is not due.
    pub(super) fn asking(sign_in: &SignIn<'_>) -> Option<Challenge> {
        let SignIn { modules, progress, .. } = sign_in;
        let is_due = !modules.realms.is_empty() && progress.hint.is_none() && progress.is_at_the_beginning();
        is_due.then(|| challenge(None))
    }

    /// What the person said.
    pub(super) async fn told_name(&self, mut sign_in: SignIn<'_>, form: &Form) -> Result<Reply, Stop> {
        if Self::asking(&sign_in).is_none() {
            return Err(Lost::OutOfStep.into());
        }
        match form.single(NAME).filter(|name| is_name(name)) {
            Some(name) => {
                sign_in.progress.is_told(&sign_in.modules.realms, name.to_owned());
                self.go_on(sign_in).await
            }
            None => self.ask_again(sign_in, ASKING, challenge(Some("realm.missing"))).await,
        }
    }

    /// Somebody else sits there than the name says: asks again.
    pub(super) async fn forget_name(&self, mut sign_in: SignIn<'_>) -> Result<Reply, Stop> {
        if !Self::shows_name(&sign_in) {
            return Err(Lost::OutOfStep.into());
        }
        let progress = &mut sign_in.progress;
        progress.hint = None;
        progress.enter(None);
        progress.asks_name = true;
        progress.out.clear();
        progress.chosen = None;
        self.go_on(sign_in).await
    }

    /// Whether the page says who is to prove it, with the way back to another name.
    pub(super) fn shows_name(sign_in: &SignIn<'_>) -> bool {
        let SignIn { modules, progress, .. } = sign_in;
        !modules.realms.is_empty() && progress.hint.is_some() && progress.is_at_the_beginning()
    }
}

/// What can be a name: one line that is not empty.
fn is_name(name: &str) -> bool {
    (1..=MOST).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn challenge(error: Option<&str>) -> Challenge {
    let name = Field {
        name: NAME.into(),
        kind: FieldKind::Text,
        label: Text::of("realm.name"),
        value: String::new(),
        required: true,
        autocomplete: "username".into(),
    };
    Challenge {
        title: Text::of("sign-in.title"),
        elements: vec![Element::Field(name)],
        submit: Text::of("realm.next"),
        error: error.map(Text::of),
        state: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_domain_wins_and_nothing_but_ascii_has_one() {
        let realms = [("example.org", "a"), (".example.org", "b"), (".eu.example.org", "c"), (".com", "d")];
        let realms = Realms::new(realms.map(|(domain, name)| (domain.to_owned(), name.to_owned())).into());
        for (name, expected) in [
            ("anna@example.org", Some("a")),
            ("anna@EXAMPLE.org", Some("a")),
            ("anna@x.example.org", Some("b")),
            ("anna@x.y.example.org", Some("b")),
            ("anna@eu.example.org", Some("b")),
            ("anna@x.eu.example.org", Some("c")),
            ("a@b@example.org", Some("a")),
            ("anna@x.com", Some("d")),
            ("anna@.com", None),
            ("anna@com", None),
            ("anna@example.org.", None),
            ("anna@notexample.org", None),
            ("anna@ex\u{e4}mple.org", None),
            ("anna@example.org\u{200b}", None),
            ("anna@", None),
            ("example.org", None),
            ("anna", None),
        ] {
            assert_eq!(realms.find(name), expected, "{name}");
        }
    }

    proptest::proptest! {
        /// What people type leads to the realm of a domain that it ends with, or to none.
        #[test]
        fn a_name_leads_to_the_domain_that_it_ends_with(name in "\\PC{0,20}[@.a-e]{0,12}") {
            let realms = [("a.b", "exact"), (".a.b", "below"), (".b", "wide")];
            let realms = Realms::new(realms.map(|(domain, own)| (domain.to_owned(), own.to_owned())).into());
            let ends = |end: &str| name.to_ascii_lowercase().ends_with(end);
            match realms.find(&name) {
                Some("exact") => assert!(ends("@a.b")),
                Some("below") => assert!(ends(".a.b")),
                Some(_) => assert!(ends(".b") && !ends(".a.b") && !ends("@a.b")),
                None => assert!(!ends("@a.b")),
            }
        }
    }
}
