//! The pages that people see: templates and texts in the binary, each of them replaceable by a
//! file of the same name in the theme folder.
//!
//! A theme has `base.html` and its siblings, `messages/<language>.toml`, and in `assets/` a
//! `postern.css`, a `logo.svg` and whatever these refer to.

mod assets;
mod device;
mod language;
mod messages;
mod preview;
mod qr_code;
mod texts;
mod view;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use minijinja::value::Kwargs;
use minijinja::{Environment, HtmlEscape, Value, context};
use postern_kernel::flow::{FactorsPage, OwnPage, Page, PasswordPage, SessionsPage, SignInPage};
use postern_kernel::module::FormPost;
use sha2::{Digest as _, Sha256};

pub(crate) use assets::{Assets, PREFIX as ASSETS};
use messages::Messages;
pub(crate) use preview::Preview;
use texts::Texts;

/// Languages that the binary brings along.
pub(crate) const LANGUAGES: &[&str] = &["en", "de"];

/// What a page does once it is there: the posting page sends its form. Allowed by its hash.
const SCRIPT: &str = "document.getElementById('post').submit();";

const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("templates/base.html")),
    ("sign-in.html", include_str!("templates/sign-in.html")),
    ("account.html", include_str!("templates/account.html")),
    ("factors.html", include_str!("templates/factors.html")),
    ("sessions.html", include_str!("templates/sessions.html")),
    ("password.html", include_str!("templates/password.html")),
    ("consent.html", include_str!("templates/consent.html")),
    ("sign-out.html", include_str!("templates/sign-out.html")),
    ("signed-out.html", include_str!("templates/signed-out.html")),
    ("error.html", include_str!("templates/error.html")),
    ("negotiate.html", include_str!("templates/negotiate.html")),
    ("form-post.html", include_str!("templates/form-post.html")),
];

/// A theme that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ThemeError {
    #[error("{0}: {1}")]
    Read(std::path::PathBuf, std::io::Error),
    #[error("template {0}: {1}")]
    Template(String, minijinja::Error),
    #[error("{0}: {1}")]
    Messages(std::path::PathBuf, String),
    #[error("there are no messages in the default language {0:?}")]
    Language(String),
}

/// All pages of one theme.
pub(crate) struct Pages {
    environment: Environment<'static>,
    messages: Arc<Messages>,
    assets: Assets,
    host: String,
    script_hash: String,
}

/// A page as HTML.
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) html: String,
    /// What of script it has.
    pub(crate) script: Script,
}

/// The script of a page, for its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// None.
    None,
    /// The one whose hash is [`Pages::script_hash`].
    Inline,
    /// The file [`Assets::passkey`].
    Passkey,
}

impl Pages {
    /// Reads the theme. `host` is shown at the foot of each page.
    pub(crate) fn new(theme: Option<&Path>, default_language: &str, host: &str) -> Result<Self, ThemeError> {
        let mut environment = Environment::new();
        for (name, embedded) in TEMPLATES {
            let source = match theme_file(theme, name)? {
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => (*embedded).to_owned(),
            };
            environment
                .add_template_owned(*name, source)
                .map_err(|error| ThemeError::Template((*name).into(), error))?;
        }
        Ok(Self {
            environment,
            messages: Arc::new(Messages::new(theme, default_language)?),
            assets: Assets::new(theme)?,
            host: host.into(),
            script_hash: base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT)),
        })
    }

    /// What is served under `/authenticationendpoint/assets/`.
    pub(crate) fn assets(&self) -> &Assets {
        &self.assets
    }

    /// For `Content-Security-Policy`: base64 of the script's SHA-256.
    pub(crate) fn script_hash(&self) -> &str {
        &self.script_hash
    }

    /// The language to answer in, by `Accept-Language`.
    pub(crate) fn language(&self, accept: Option<&str>) -> String {
        language::choose(accept.unwrap_or(""), self.messages.languages(), self.messages.default_language())
    }

    /// A page of the kernel.
    pub(crate) fn page(&self, language: &str, correlation: &str, page: &Page) -> Rendered {
        let t = self.texts(language);
        match page {
            Page::SignIn(page) => self.sign_in(language, page),
            Page::Factors(page) => self.factors(language, page),
            Page::Sessions(page) => self.sessions(language, page),
            Page::Password(page) => self.password(language, page),
            Page::Consent { transaction, anti_forgery, application, username, items } => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.messages.find(language, &format!("consent.item.{item}")).unwrap_or(item))
                    .map(Into::into)
                    .collect();
                let values = context! { transaction, anti_forgery, application, username, items };
                self.render("consent.html", 200, language, t, values)
            }
            Page::ConfirmSignOut { transaction, anti_forgery, username } => {
                let values = context! { transaction, anti_forgery, username };
                self.render("sign-out.html", 200, language, t, values)
            }
            Page::SignedOut => self.render("signed-out.html", 200, language, t, context! {}),
            Page::Refused { status, message, retry_after, .. } => {
                self.error(language, correlation, *status, message, *retry_after)
            }
        }
    }

    fn sign_in(&self, language: &str, page: &SignInPage) -> Rendered {
        let SignInPage { transaction, anti_forgery, application, .. } = page;
        let texts = Texts { messages: &self.messages, language, translations: &page.translations };
        let challenge = view::Challenge::new(&page.challenge, &texts);
        let script = if challenge.has_ceremony { Script::Passkey } else { Script::None };
        let challenge = Value::from(minijinja::value::Serde(challenge));
        let values = context! {
            transaction, anti_forgery, application, challenge,
            remember_days => page.remember.map(|seconds| seconds / 86_400),
            title => &page.title, other => &page.other, named => &page.named, refresh => page.challenge.interval(),
            enrols => page.enrols, has_other => page.has_other, is_closed => page.is_closed,
        };
        let rendered = self.render("sign-in.html", 200, language, self.texts(language), values);
        Rendered { script, ..rendered }
    }

    fn factors(&self, language: &str, page: &FactorsPage) -> Rendered {
        let FactorsPage { transaction, anti_forgery, username, pages, factors, links, linkable } = page;
        let pages = account(pages, OwnPage::Factors);
        let factors: Vec<_> = factors
            .iter()
            .map(|factor| {
                let translations = &factor.translations;
                view::Factor::new(factor, &Texts { messages: &self.messages, language, translations })
            })
            .collect();
        let factors = Value::from(minijinja::value::Serde(factors));
        let links: Vec<_> = links
            .iter()
            .map(|link| {
                let translations = &link.translations;
                view::Linked::new(link, &Texts { messages: &self.messages, language, translations })
            })
            .collect();
        let links = Value::from(minijinja::value::Serde(links));
        let linkable: Vec<_> = linkable
            .iter()
            .map(|linkable| {
                let translations = &linkable.translations;
                view::Linkable::new(linkable, &Texts { messages: &self.messages, language, translations })
            })
            .collect();
        let linkable = Value::from(minijinja::value::Serde(linkable));
        let values = context! { transaction, anti_forgery, username, pages, factors, links, linkable };
        self.render("factors.html", 200, language, self.texts(language), values)
    }

    fn sessions(&self, language: &str, page: &SessionsPage) -> Rendered {
        let SessionsPage { transaction, anti_forgery, username, pages, sessions } = page;
        let pages = account(pages, OwnPage::Sessions);
        let sessions: Vec<_> = sessions.iter().map(view::Session::new).collect();
        let sessions = Value::from(minijinja::value::Serde(sessions));
        let values = context! { transaction, anti_forgery, username, pages, sessions };
        self.render("sessions.html", 200, language, self.texts(language), values)
    }

    fn password(&self, language: &str, page: &PasswordPage) -> Rendered {
        let PasswordPage { transaction, anti_forgery, username, pages, is_changed, error } = page;
        let pages = account(pages, OwnPage::Password);
        let values = context! { transaction, anti_forgery, username, pages, is_changed, error };
        self.render("password.html", 200, language, self.texts(language), values)
    }

    /// The error page: neutral, with the correlation identifier.
    pub(crate) fn error(
        &self,
        language: &str,
        correlation: &str,
        status: u16,
        message: &str,
        retry_after: Option<u32>,
    ) -> Rendered {
        let title = format!("{message}.title");
        let title = self
            .messages
            .find(language, &title)
            .unwrap_or_else(|| self.messages.text(language, "error.title"));
        let values = context! {
            title, message => self.messages.text(language, message), retry_after, correlation
        };
        self.render("error.html", status, language, self.texts(language), values)
    }

    /// The page that posts to an application.
    pub(crate) fn form_post(&self, language: &str, post: &FormPost) -> Rendered {
        let values = context! { action => &post.action, fields => &post.fields, script => SCRIPT };
        let rendered = self.render("form-post.html", 200, language, self.texts(language), values);
        Rendered { script: Script::Inline, ..rendered }
    }

    /// The page that asks the browser for a ticket. It leads on to `otherwise` without one.
    pub(crate) fn negotiate(&self, language: &str, otherwise: &str) -> Rendered {
        self.render("negotiate.html", 401, language, self.texts(language), context! { otherwise })
    }

    /// The function `t` of the templates: the text of a message key, with its placeholders filled.
    fn texts(&self, language: &str) -> Value {
        let messages = Arc::clone(&self.messages);
        let language = language.to_owned();
        Value::from_function(move |key: String, values: Kwargs| -> Result<String, minijinja::Error> {
            let mut text = messages.text(&language, &key).to_owned();
            for name in values.args() {
                let value: Value = values.get(name)?;
                text = text.replace(&format!("{{{name}}}"), &value.to_string());
            }
            Ok(text)
        })
    }

    /// The function `emphasised`: the same as HTML, with the values set off from the text around
    /// them, and kept from changing its direction.
    fn emphasised(&self, language: &str) -> Value {
        let messages = Arc::clone(&self.messages);
        let language = language.to_owned();
        Value::from_function(move |key: String, values: Kwargs| -> Result<Value, minijinja::Error> {
            let mut html = HtmlEscape(messages.text(&language, &key)).to_string();
            for name in values.args() {
                let value: Value = values.get(name)?;
                let value = format!("<strong><bdi>{}</bdi></strong>", HtmlEscape(&value.to_string()));
                html = html.replacen(&format!("{{{name}}}"), &value, 1);
            }
            Ok(Value::from_safe_string(html))
        })
    }

    fn render(&self, template: &str, status: u16, language: &str, t: Value, values: Value) -> Rendered {
        let common = context! {
            t, emphasised => self.emphasised(language), language, host => &self.host,
            assets => context! {
                style => self.assets.style(), logo => self.assets.logo(), passkey => self.assets.passkey(),
            },
        };
        let rendered = self
            .environment
            .get_template(template)
            .and_then(|template| template.render(context! { ..values, ..common }));
        match rendered {
            Ok(html) => Rendered { status, html, script: Script::None },
            Err(error) => {
                // A theme's template may fail on values that it had not been tried with.
                tracing::error!(template, %error, "page not rendered");
                Rendered { status: 500, html: BROKEN.into(), script: Script::None }
            }
        }
    }
}

/// The navigation of the person's own pages.
fn account(pages: &[OwnPage], current: OwnPage) -> Value {
    let link = |page: &OwnPage| {
        context! { path => page.path(), title => page.title(), is_current => *page == current }
    };
    pages.iter().map(link).collect()
}

/// What is left when even the template fails.
const BROKEN: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error</title>\
    <p>Something went wrong on our side.</p></html>";

/// A file of the theme, when there is a theme and it has that file.
fn theme_file(theme: Option<&Path>, name: &str) -> Result<Option<Vec<u8>>, ThemeError> {
    let Some(path) = theme.map(|theme| theme.join(name)) else { return Ok(None) };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ThemeError::Read(path, error)),
    }
}

#[cfg(test)]
mod tests;
