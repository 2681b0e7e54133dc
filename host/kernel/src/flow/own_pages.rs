//! The pages on which people look after their own account. Each needs a recent sign-in, with a further
//! factor of the person's when they have one.

use super::complete::Stop;
use super::decide::Need;
use super::factors::not_allowed;
use super::transaction::{Lost, Stage, Transaction};
use super::{EnabledAuthenticator, Flow, ModuleSet, Reply, UnknownIdentity, Visitor};
use crate::authenticator::Person;
use crate::module::{Audience, Demand};
use crate::store::Session;

/// A page of the person's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnPage {
    /// Factors to set up and to remove.
    Factors,
    /// Where the person is signed in.
    Sessions,
    /// Another password.
    Password,
}

impl OwnPage {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Factors, Self::Sessions, Self::Password];

    /// Where it is.
    pub fn path(self) -> &'static str {
        match self {
            Self::Factors => "/authenticationendpoint/factors",
            Self::Sessions => "/authenticationendpoint/sessions",
            Self::Password => "/authenticationendpoint/password",
        }
    }

    /// Message key of its name in the navigation.
    pub fn title(self) -> &'static str {
        match self {
            Self::Factors => "account.factors",
            Self::Sessions => "account.sessions",
            Self::Password => "account.password",
        }
    }

    /// What stands for the module in its transactions, which belong to no protocol: no module can have
    /// such a name.
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Factors => "own-pages:factors",
            Self::Sessions => "own-pages:sessions",
            Self::Password => "own-pages:password",
        }
    }

    pub(super) fn of_module(module: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.module() == module)
    }

    fn stage(self, session: String) -> Stage {
        match self {
            Self::Factors => Stage::Factors { session },
            Self::Sessions => Stage::Sessions { session },
            Self::Password => Stage::Password { session, said: None },
        }
    }
}

impl Flow {
    /// The way to the page: through a sign-in, unless there was one just now.
    pub async fn own_page(&self, visitor: &Visitor, page: OwnPage) -> Reply {
        let modules = self.modules();
        match self.try_own_page(visitor, &modules, page).await {
            Ok(reply) => reply,
            Err(stop) => self.stopped(visitor, stop, Audience::Browser),
        }
    }

    async fn try_own_page(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        page: OwnPage,
    ) -> Result<Reply, Stop> {
        if !modules.has_page(page) {
            return Ok(not_allowed());
        }
        let demand = self.own_demand();
        let session = self.session_of(visitor).await?.map(|(session, _)| session);
        let need = self.need(visitor, modules, (page.module(), &demand), session.as_ref()).await?;
        let stage = match (need, session) {
            (Need::Nothing, Some(session)) => return self.show_own(visitor, page, &session).await,
            (Need::SignIn(progress), _) => Stage::SignIn { demand, challenge: None, progress },
            _ => return Ok(not_allowed()),
        };
        self.ask(visitor, &Transaction { module: page.module().into(), application: None, stage }).await
    }

    /// After the sign-in for it.
    pub(super) async fn show_own(
        &self,
        visitor: &Visitor,
        page: OwnPage,
        session: &Session,
    ) -> Result<Reply, Stop> {
        let stage = page.stage(session.id.clone());
        self.ask(visitor, &Transaction { module: page.module().into(), application: None, stage }).await
    }

    /// A page that is open is judged again with each look and each click: by now the person may have a
    /// further factor, which whoever opened the page has not used. How old the sign-in was counted when it
    /// was opened. `None`: it may go on.
    pub(super) async fn own_page_anew(
        &self,
        visitor: &Visitor,
        modules: &ModuleSet,
        transaction: &Transaction,
    ) -> Result<Option<Reply>, Stop> {
        let is_open = !matches!(
            transaction.stage,
            Stage::SignIn { .. }
                | Stage::SignInEnrol { .. }
                | Stage::SignInEnrolElsewhere { .. }
                | Stage::Elsewhere { .. }
        );
        let page = OwnPage::of_module(&transaction.module).filter(|_| is_open);
        let Some(page) = page else { return Ok(None) };
        // Without a session it is refused where its owner is asked for.
        let Some((session, _)) = self.session_of(visitor).await? else { return Ok(None) };
        let demand = Demand { max_age: None, ..self.own_demand() };
        let need = self.need(visitor, modules, (page.module(), &demand), Some(&session)).await?;
        Ok((need != Need::Nothing).then(|| Reply::redirect(page.path().into())))
    }

    fn own_demand(&self) -> Demand {
        Demand {
            relying_party: String::new(),
            force: false,
            passive: false,
            select_account: false,
            max_age: Some(self.lifetimes.recent),
            contexts: Vec::new(),
            login_hint: None,
            consent: Vec::new(),
            consent_anew: false,
            state: Vec::new(),
        }
    }

    /// Who is signed in, when it is the session that the page was made for.
    pub(super) async fn owner(&self, visitor: &Visitor, session: &str) -> Result<Person, Stop> {
        match self.session_of(visitor).await? {
            Some((current, account)) if current.id == session => {
                Ok(Person { subject: account.subject, username: account.username })
            }
            _ => Err(Lost::OutOfStep.into()),
        }
    }
}

impl ModuleSet {
    /// The pages that there are. That of factors needs an authenticator that people set up themselves, or one
    /// that names identities from outside.
    pub fn pages(&self) -> Vec<OwnPage> {
        OwnPage::ALL.into_iter().filter(|page| self.has_page(*page)).collect()
    }

    /// Whether there is this one.
    pub fn has_page(&self, page: OwnPage) -> bool {
        let links = |enabled: &EnabledAuthenticator| {
            enabled.redirects.is_some() || enabled.accounts.unknown != UnknownIdentity::Refuse
        };
        let has_own = self.enrolling().next().is_some() || self.authenticators.iter().any(links);
        let serves = page != OwnPage::Factors || has_own;
        serves && self.own_pages.contains(&page)
    }
}
