//! `/commonauth`: GET goes on with a login transaction, POST takes the form of one of our pages.

use axum::body::Body;
use axum::http::{HeaderMap, Response};
use hyper::body::Incoming;
use postern_form::Form;
use postern_kernel::module::Audience;
use postern_refusal::Refusal;

use super::{Exchange, body, visitor};

impl Exchange<'_> {
    /// `GET /commonauth`
    pub(super) async fn go_on(&self, query: &str) -> Response<Body> {
        match transaction(query) {
            Ok(id) => self.reply(self.live.flow.proceed(&self.visitor, &id).await, Audience::Browser),
            Err(refusal) => self.refuse(&refusal, Audience::Browser),
        }
    }

    /// `POST /commonauth`
    pub(super) async fn submit(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        announced: postern_endpoint::Body,
    ) -> Response<Body> {
        match form(headers, body, announced).await {
            Ok(form) => self.reply(self.live.flow.submit(&self.visitor, form).await, Audience::Browser),
            Err(refusal) => self.refuse(&refusal, Audience::Browser),
        }
    }
}

/// # Errors
/// `form.*`, `server.transaction.absent`.
pub(super) fn transaction(query: &str) -> Result<String, Refusal> {
    let form = Form::parse(query.as_bytes())?;
    let found = form.single("t")?.filter(|parameter| !parameter.value.is_empty());
    let absent = || Refusal::misbehaved("server.transaction.absent").at("t");
    found.map(|parameter| parameter.value.clone()).ok_or_else(absent)
}

/// # Errors
/// `form.*`, `server.body.*`, and `server.form.cross-site`: browsers say where a form comes from
/// (Fetch Metadata). The anti-forgery field is looked at in any case; `Origin` is of no use, since
/// our `Referrer-Policy` makes it `null`.
async fn form(
    headers: &HeaderMap,
    body: Incoming,
    announced: postern_endpoint::Body,
) -> Result<Vec<(String, String)>, Refusal> {
    if let Some(site) = visitor::single(headers, "sec-fetch-site")
        && site != "same-origin"
    {
        return Err(Refusal::misbehaved("server.form.cross-site").expected("same-origin").found(site));
    }
    let body = zeroize::Zeroizing::new(body::read(body, announced).await?);
    let form = Form::parse(&body)?.without_duplicates()?;
    let fields = form.parameters().iter();
    Ok(fields.map(|field| (field.name.to_owned(), field.value.clone())).collect())
}
