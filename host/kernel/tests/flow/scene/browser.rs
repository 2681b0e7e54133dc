//! A browser that keeps cookies, and what a person does with the pages.

use postern_kernel::flow::{
    Action, CookieChange, FactorsPage, OwnPage, Page, PasswordPage, Reply, Return, SessionsPage, SignInPage,
    Visitor,
};
use postern_kernel::module::{Demand, Method, Outcome, Request};
use std::net::IpAddr;

use super::{PASSWORD, Scene};

/// A browser: cookies, and the requests that a person makes with it.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) session: Option<String>,
    pub(crate) browser: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) remembered: Option<String>,
    pub(crate) address: IpAddr,
    pub(crate) headers: Vec<(String, String)>,
}

impl Default for Browser {
    fn default() -> Self {
        Self {
            session: None,
            browser: None,
            device: None,
            remembered: None,
            address: IpAddr::from([192, 0, 2, 1]),
            headers: Vec::new(),
        }
    }
}

impl Browser {
    fn visitor(&self) -> Visitor {
        Visitor {
            session: self.session.clone(),
            browser: self.browser.clone(),
            device: self.device.clone(),
            remembered: self.remembered.clone(),
            address: self.address,
            correlation: "test".into(),
            language: "en".into(),
            user_agent: "Browser/1".into(),
            headers: self.headers.clone(),
            client_certificate: None,
        }
    }

    fn keep(&mut self, reply: Reply) -> Action {
        for (cookie, change) in [
            (&mut self.session, reply.session),
            (&mut self.browser, reply.browser),
            (&mut self.device, reply.device),
            (&mut self.remembered, reply.remembered),
        ] {
            match change {
                CookieChange::Keep => {}
                CookieChange::Set(value) => *cookie = Some(value),
                CookieChange::Clear => *cookie = None,
            }
        }
        reply.action
    }

    /// Opens the module's endpoint.
    pub(crate) async fn open(&mut self, scene: &Scene, method: Method) -> Action {
        let request = Request {
            method,
            path: "/scripted".into(),
            query: String::new(),
            content_type: None,
            authorization: None,
            body: Vec::new(),
        };
        // A POST from another site carries no cookies.
        let visitor = match method {
            Method::Get => self.visitor(),
            Method::Post => {
                Visitor { session: None, browser: None, device: None, remembered: None, ..self.visitor() }
            }
        };
        let reply = scene.flow.handle(&visitor, "scripted", request).await;
        self.keep(reply)
    }

    /// Follows a redirect to one of our own pages.
    pub(crate) async fn follow(&mut self, scene: &Scene, action: Action) -> Action {
        let Action::Redirect(location) = action else { panic!("not a redirect") };
        let (path, id) = location.split_once("?t=").expect(&location);
        let visitor = self.visitor();
        let reply = match path {
            "/commonauth" => scene.flow.proceed(&visitor, id).await,
            "/authenticationendpoint/login" => scene.flow.show(&visitor, id).await,
            other => panic!("{other} is not a page of ours"),
        };
        self.keep(reply)
    }

    /// Comes back to an authenticator's path by GET.
    pub(crate) async fn come_back(&mut self, scene: &Scene, authenticator: &str, state: &str) -> Action {
        self.come_back_with(scene, authenticator, state, &format!("state={state}")).await
    }

    /// The same with this query.
    pub(crate) async fn come_back_with(
        &mut self,
        scene: &Scene,
        authenticator: &str,
        state: &str,
        encoded: &str,
    ) -> Action {
        let reply = scene.flow.returned(&self.visitor(), back(authenticator, state, encoded)).await;
        self.keep(reply)
    }

    /// The same by POST, which brings no cookies; where it is sent on to.
    pub(crate) async fn post_back(
        &mut self,
        scene: &Scene,
        authenticator: &str,
        state: &str,
        encoded: &str,
    ) -> Action {
        let visitor =
            Visitor { session: None, browser: None, device: None, remembered: None, ..self.visitor() };
        let reply = scene.flow.posted(&visitor, back(authenticator, state, encoded)).await;
        self.keep(reply)
    }

    /// Fetches what was posted.
    pub(crate) async fn fetch(&mut self, scene: &Scene, authenticator: &str, handle: &str) -> Action {
        let reply = scene.flow.fetched(&self.visitor(), authenticator, handle).await;
        self.keep(reply)
    }

    /// Follows redirects up to a page, the application or another site.
    pub(crate) async fn follow_on(&mut self, scene: &Scene, mut action: Action) -> Action {
        while matches!(&action, Action::Redirect(location) if location.starts_with('/')) {
            action = self.follow(scene, action).await;
        }
        action
    }

    /// Opens the page of a transaction again.
    pub(crate) async fn open_again(&mut self, scene: &Scene, transaction: &str) -> Action {
        let reply = scene.flow.show(&self.visitor(), transaction).await;
        self.keep(reply)
    }

    /// Opens the person's own page.
    pub(crate) async fn open_factors(&mut self, scene: &Scene) -> Action {
        self.open_own(scene, OwnPage::Factors).await
    }

    /// Opens one of the person's own pages.
    pub(crate) async fn open_own(&mut self, scene: &Scene, page: OwnPage) -> Action {
        let reply = scene.flow.own_page(&self.visitor(), page).await;
        self.keep(reply)
    }

    /// Sends a form and follows what comes, up to a page or the application.
    pub(crate) async fn send_on(
        &mut self,
        scene: &Scene,
        action: &str,
        page: &PageForm,
        fields: &[(&str, &str)],
    ) -> Action {
        let done = self.send(scene, action, page, fields).await;
        self.follow_on(scene, done).await
    }

    /// The action `sign-in` with the field by which a device is remembered, up to a page or the application.
    pub(crate) async fn send_ticked(
        &mut self,
        scene: &Scene,
        page: &PageForm,
        ticked: &str,
        fields: &[(&str, &str)],
    ) -> Action {
        let mut form = vec![
            ("t".to_owned(), page.transaction.clone()),
            ("anti-forgery".to_owned(), page.anti_forgery.clone()),
            ("action".to_owned(), "sign-in".to_owned()),
            ("remember".to_owned(), ticked.to_owned()),
        ];
        form.extend(fields.iter().map(|(name, value)| (format!("f.{name}"), (*value).to_owned())));
        let reply = scene.flow.submit(&self.visitor(), form).await;
        let mut done = self.keep(reply);
        while let Action::Redirect(_) = done {
            done = self.follow(scene, done).await;
        }
        done
    }

    /// Sends a page's form.
    pub(crate) async fn send(
        &mut self,
        scene: &Scene,
        action: &str,
        page: &PageForm,
        fields: &[(&str, &str)],
    ) -> Action {
        let mut form = vec![
            ("t".to_owned(), page.transaction.clone()),
            ("anti-forgery".to_owned(), page.anti_forgery.clone()),
            ("action".to_owned(), action.to_owned()),
        ];
        form.extend(fields.iter().map(|(name, value)| (format!("f.{name}"), (*value).to_owned())));
        let reply = scene.flow.submit(&self.visitor(), form).await;
        self.keep(reply)
    }

    /// From the module's endpoint to the sign-in page.
    pub(crate) async fn reach_sign_in(&mut self, scene: &Scene, demand: Demand) -> PageForm {
        scene.script(Outcome::Authenticate(demand));
        let action = self.open(scene, Method::Get).await;
        form(self.follow(scene, action).await)
    }

    /// The whole way with the right password.
    pub(crate) async fn sign_in(&mut self, scene: &Scene, username: &str, demand: Demand) -> Action {
        let page = self.reach_sign_in(scene, demand).await;
        self.send(scene, "sign-in", &page, &[("username", username), ("password", PASSWORD)]).await
    }
}

fn back(authenticator: &str, state: &str, encoded: &str) -> Return {
    Return { authenticator: authenticator.into(), state: state.into(), encoded: encoded.to_owned().into() }
}

/// What a page's form sends back unseen.
#[derive(Clone)]
pub(crate) struct PageForm {
    pub(crate) transaction: String,
    pub(crate) anti_forgery: String,
}

/// The form of a page that asks something.
pub(crate) fn form(action: Action) -> PageForm {
    match action {
        Action::Page(
            Page::SignIn(SignInPage { transaction, anti_forgery, .. })
            | Page::Factors(FactorsPage { transaction, anti_forgery, .. })
            | Page::Sessions(SessionsPage { transaction, anti_forgery, .. })
            | Page::Password(PasswordPage { transaction, anti_forgery, .. })
            | Page::Consent { transaction, anti_forgery, .. }
            | Page::ConfirmSignOut { transaction, anti_forgery, .. },
        ) => PageForm { transaction, anti_forgery },
        other => panic!("not a form: {}", name(&other)),
    }
}

/// An action by name, for assertions.
pub(crate) fn name(action: &Action) -> String {
    match action {
        Action::Document(document) => format!("document {}", document.status),
        Action::Redirect(location) => format!("redirect {}", location.split('?').next().unwrap_or_default()),
        Action::FormPost(form) => format!("form-post {}", form.action),
        Action::Page(Page::SignIn(page)) => page.challenge.title.key.clone(),
        Action::Page(Page::Factors(_)) => "factors".into(),
        Action::Page(Page::Sessions(_)) => "sessions".into(),
        Action::Page(Page::Password(_)) => "password".into(),
        Action::Page(Page::Consent { .. }) => "consent".into(),
        Action::Page(Page::ConfirmSignOut { .. }) => "confirm-sign-out".into(),
        Action::Page(Page::SignedOut) => "signed-out".into(),
        Action::Page(Page::Refused { status, message, .. }) => format!("refused {status} {message}"),
    }
}
