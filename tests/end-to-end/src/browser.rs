//! A person's browser without script: cookies, redirects and forms.
use std::collections::BTreeMap;

use html5gum::{StartTag, Token, Tokenizer};
use rustls::ClientConfig;
use std::sync::Arc;
use url::Url;

use crate::client::Origin;
use crate::wire::Answer;

/// Most redirects in a row.
const MAX_REDIRECTS: usize = 20;

/// One browser with its cookies. All host names lead to the loopback interface.
pub struct Browser {
    tls: Arc<ClientConfig>,
    cookies: Vec<Cookie>,
    /// Header lines of every request.
    headers: String,
    /// Every page that was loaded, redirects too, in order.
    pub history: Vec<Page>,
}

#[derive(Clone, Debug)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
    secure: bool,
}

/// What was loaded.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it came from.
    pub url: Url,
    /// What came.
    pub answer: Answer,
}

/// A form on a page.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Where it is sent; empty: to the page itself.
    pub action: String,
    /// `get` or `post`.
    pub method: String,
    /// Fields by name, with what stands in them. A button's name and value are not among them.
    pub fields: BTreeMap<String, String>,
}

impl Browser {
    /// A browser without cookies.
    pub fn new(tls: ClientConfig) -> Self {
        Self { tls: Arc::new(tls), cookies: Vec::new(), headers: String::new(), history: Vec::new() }
    }

    /// The same as seen behind the proxy: with its certificate, and with its word on who asks.
    pub fn behind_proxy(tls: ClientConfig) -> Self {
        Self { headers: "x-postern-client-address: 127.0.0.1\r\n".into(), ..Self::new(tls) }
    }

    /// Has the proxy say that requests come from this address, and set these headers: each line with its end.
    pub fn come_from(&mut self, address: &str, headers: &str) {
        self.headers = format!("x-postern-client-address: {address}\r\n{headers}");
    }

    /// The same with another header in every request, which no honest browser sends.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    /// Opens the address and follows redirects.
    ///
    /// # Errors
    /// When a server does not answer, or redirects without end.
    pub fn open(&mut self, url: &str) -> Result<Page, String> {
        let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        self.follow("GET", url, None)
    }

    /// The same, but an address that begins like `end` is not loaded any more: the page is empty.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn open_until(&mut self, url: &str, end: &str) -> Result<Page, String> {
        let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        self.follow_until("GET", url, None, end)
    }

    /// Sends a form, as [`Browser::submit_form`], up to an address that begins like `end`.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn submit_until(
        &mut self,
        page: &Page,
        form: &Form,
        typed: &[(&str, &str)],
        end: &str,
    ) -> Result<Page, String> {
        let (action, encoded) = filled_in(page, form, typed)?;
        self.follow_until("POST", action, Some(encoded), end)
    }

    /// Sends the first form of the page with what the person typed, and follows redirects.
    ///
    /// # Errors
    /// As [`Browser::open`], and when the page has no form.
    pub fn submit(&mut self, page: &Page, typed: &[(&str, &str)]) -> Result<Page, String> {
        let form = page.form()?;
        self.submit_form(page, &form, typed)
    }

    /// The same with a given form.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn submit_form(&mut self, page: &Page, form: &Form, typed: &[(&str, &str)]) -> Result<Page, String> {
        let (mut action, encoded) = filled_in(page, form, typed)?;
        if form.method == "post" {
            return self.follow("POST", action, Some(encoded));
        }
        action.set_query(Some(&encoded));
        self.follow("GET", action, None)
    }

    /// Goes on from pages that a script would submit by itself (SAML POST binding, form_post),
    /// until there is one with something for the person to do.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn pass_on(&mut self, mut page: Page) -> Result<Page, String> {
        for _ in 0..MAX_REDIRECTS {
            match page.automatic_form() {
                Some(form) => page = self.submit_form(&page, &form, &[])?,
                None => return Ok(page),
            }
        }
        Err(format!("{} passes on without end", page.url))
    }

    /// Types name and password into the sign-in page and follows what comes until there is
    /// something to do for the person, or an application's page.
    ///
    /// # Errors
    /// As [`Browser::open`], and when the page is no sign-in page.
    pub fn sign_in(&mut self, page: &Page, username: &str, password: &str) -> Result<Page, String> {
        let form = page.form_with("f.password")?;
        let typed = [("f.username", username), ("f.password", password), ("action", "sign-in")];
        self.submit_form(page, &form, &typed)
    }

    /// The value of a cookie that the host would get.
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies
            .iter()
            .find(|cookie| cookie.host == host && cookie.name == name)
            .map(|cookie| cookie.value.as_str())
    }

    /// Puts a cookie into the browser, as an attacker on a sister domain could.
    pub fn set_cookie(&mut self, host: &str, name: &str, value: &str) {
        self.cookies.retain(|cookie| !(cookie.host == host && cookie.name == name));
        self.cookies.push(Cookie {
            host: host.into(),
            path: "/".into(),
            name: name.into(),
            value: value.into(),
            secure: true,
        });
    }

    /// Sends one request without following anything.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn request(&mut self, method: &str, url: &Url, body: Option<&str>) -> Result<Page, String> {
        let host = url.host_str().ok_or_else(|| format!("{url}: no host"))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| format!("{url}: no port"))?;
        let secure = url.scheme() == "https";
        let origin = Origin { port, name: host.clone(), tls: secure.then(|| self.tls.clone()) };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", origin.authority());
        head.push_str("accept: text/html,application/xhtml+xml,*/*;q=0.8\r\naccept-language: en\r\n");
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| {
                cookie.host == host && url.path().starts_with(&cookie.path) && (secure || !cookie.secure)
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        head.push_str(&self.headers);
        if !cookies.is_empty() {
            head.push_str(&format!("cookie: {}\r\n", cookies.join("; ")));
        }
        if let Some(body) = body {
            // A browser names the page's origin on every POST.
            let from = self
                .history
                .last()
                .map_or_else(|| "null".to_owned(), |page| page.url.origin().ascii_serialization());
            head.push_str(&format!("origin: {from}\r\n"));
            head.push_str("content-type: application/x-www-form-urlencoded\r\n");
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head.push_str(body.unwrap_or_default());
        let answer = origin.exchange(head.as_bytes()).map_err(|error| format!("{method} {url}: {error}"))?;
        self.keep_cookies(&host, url.path(), &answer);
        let page = Page { url: url.clone(), answer };
        self.history.push(page.clone());
        Ok(page)
    }

    fn follow(&mut self, method: &str, url: Url, body: Option<String>) -> Result<Page, String> {
        self.follow_until(method, url, body, "nowhere:")
    }

    fn follow_until(
        &mut self,
        method: &str,
        url: Url,
        body: Option<String>,
        end: &str,
    ) -> Result<Page, String> {
        let mut page = self.request(method, &url, body.as_deref())?;
        for _ in 0..MAX_REDIRECTS {
            let Some(location) = page.redirect()? else { return Ok(page) };
            if location.as_str().starts_with(end) {
                let answer = Answer { status: 200, headers: Vec::new(), body: Vec::new() };
                return Ok(Page { url: location, answer });
            }
            page = self.request("GET", &location, None)?;
        }
        Err(format!("{url} redirects without end"))
    }

    fn keep_cookies(&mut self, host: &str, path: &str, answer: &Answer) {
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: Vec<(String, &str)> = parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect();
            let attribute =
                |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
            let default_path = path.rfind('/').map_or("/", |end| &path[..end.max(1)]);
            let cookie = Cookie {
                host: host.into(),
                path: attribute("path").unwrap_or(default_path).into(),
                name: name.into(),
                value: value.into(),
                secure: attribute("secure").is_some(),
            };
            self.cookies.retain(|old| {
                !(old.host == cookie.host && old.name == cookie.name && old.path == cookie.path)
            });
            let expired = attribute("max-age").is_some_and(|age| age.starts_with('-') || age == "0")
                || attribute("expires").is_some_and(|date| date.contains("1970"));
            if !expired {
                self.cookies.push(cookie);
            }
        }
    }
}

/// Where a form is sent, and what.
fn filled_in(page: &Page, form: &Form, typed: &[(&str, &str)]) -> Result<(Url, String), String> {
    let mut fields = form.fields.clone();
    fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    let action = page.url.join(&form.action).map_err(|error| format!("{}: {error}", form.action))?;
    Ok((action, encoded))
}

impl Page {
    /// A page of an application that the test has at hand.
    ///
    /// # Panics
    /// Not in practice.
    pub fn local(text: &str) -> Self {
        let answer = Answer { status: 200, headers: Vec::new(), body: text.into() };
        Self { url: Url::parse("http://127.0.0.1:1/").expect("an address"), answer }
    }

    /// Where the answer leads, when it is a redirect.
    ///
    /// # Errors
    /// When the location is no address.
    pub fn redirect(&self) -> Result<Option<Url>, String> {
        if !(300..400).contains(&self.answer.status) {
            return Ok(None);
        }
        let Some(location) = self.answer.header("location") else { return Ok(None) };
        self.url.join(location).map(Some).map_err(|error| format!("{location}: {error}"))
    }

    /// Whether it looks like a page for people to act on, and what it says.
    pub fn text(&self) -> String {
        self.answer.text()
    }

    /// The first form.
    ///
    /// # Errors
    /// When there is none: with the page.
    pub fn form(&self) -> Result<Form, String> {
        let forms = self.forms();
        forms
            .into_iter()
            .next()
            .ok_or_else(|| format!("no form at {} ({}):\n{}", self.url, self.answer.status, self.text()))
    }

    /// The form with this field.
    ///
    /// # Errors
    /// When there is none: with the page.
    pub fn form_with(&self, field: &str) -> Result<Form, String> {
        self.forms().into_iter().find(|form| form.fields.contains_key(field)).ok_or_else(|| {
            format!("no form with {field} at {} ({}):\n{}", self.url, self.answer.status, self.text())
        })
    }

    /// The form that a script would submit: it has a field of a protocol's message.
    pub fn automatic_form(&self) -> Option<Form> {
        self.forms().into_iter().find(|form| {
            form.method == "post"
                && ["SAMLResponse", "SAMLRequest", "code", "error"]
                    .iter()
                    .any(|name| form.fields.contains_key(*name))
        })
    }

    /// All forms, with hidden and prefilled fields.
    pub fn forms(&self) -> Vec<Form> {
        let text = self.text();
        let mut forms = Vec::new();
        let mut open: Option<Form> = None;
        for Ok(token) in Tokenizer::new(&text) {
            match token {
                Token::StartTag(tag) => match (&tag.name[..], &mut open) {
                    (b"form", _) => {
                        open = Some(Form {
                            action: attribute(&tag, "action").unwrap_or_default(),
                            method: attribute(&tag, "method")
                                .unwrap_or_else(|| "get".into())
                                .to_ascii_lowercase(),
                            fields: BTreeMap::new(),
                        });
                    }
                    (b"input", Some(form)) => {
                        let kind = attribute(&tag, "type").unwrap_or_default();
                        let checked = attribute(&tag, "checked").is_some();
                        if let Some(name) = attribute(&tag, "name")
                            && !["submit", "button", "image"].contains(&kind.as_str())
                            && (!["checkbox", "radio"].contains(&kind.as_str()) || checked)
                        {
                            form.fields.insert(name, attribute(&tag, "value").unwrap_or_default());
                        }
                    }
                    _ => {}
                },
                Token::EndTag(tag) if &tag.name[..] == b"form" => forms.extend(open.take()),
                _ => {}
            }
        }
        forms
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes
        .iter()
        .find(|(attribute, _)| &attribute[..] == name.as_bytes())
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}
