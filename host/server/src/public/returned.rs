//! `/commonauth/return/<authenticator>`: people come back whom an authenticator sent elsewhere.
//!
//! Both a query and a form come from another site, and are meant to: what says whose they are is the state.

use axum::body::Body;
use axum::http::Response;
use hyper::body::Incoming;
use postern_form::Form;
use postern_kernel::flow::Return;
use postern_kernel::module::Audience;
use postern_refusal::Refusal;
use zeroize::Zeroizing;

use super::{Exchange, body};

impl Exchange<'_> {
    /// GET: with the answer, or with the handle of one that was posted.
    pub(super) async fn returned(&self, authenticator: &str, query: &str) -> Response<Body> {
        let flow = &self.live.flow;
        let reply = match read(query.as_bytes()) {
            Ok(Came::Back(state)) => {
                flow.returned(&self.visitor, back(authenticator, state, query.to_owned())).await
            }
            Ok(Came::Posted(handle)) => flow.fetched(&self.visitor, authenticator, &handle).await,
            Err(refusal) => return self.refuse(&refusal, Audience::Browser),
        };
        self.reply(reply, Audience::Browser)
    }

    /// POST: with the answer.
    pub(super) async fn posted(
        &self,
        authenticator: &str,
        body: Incoming,
        announced: postern_endpoint::Body,
    ) -> Response<Body> {
        let read = async {
            let mut body = Zeroizing::new(body::read(body, announced).await?);
            let Came::Back(state) = read(&body)? else { return Err(absent()) };
            // Printable ASCII, or it would have been refused.
            let encoded = String::from_utf8(std::mem::take(&mut *body)).map_err(|_| absent())?;
            Ok(back(authenticator, state, encoded))
        };
        match read.await {
            Ok(back) => self.reply(self.live.flow.posted(&self.visitor, back).await, Audience::Browser),
            Err(refusal) => self.refuse(&refusal, Audience::Browser),
        }
    }
}

pub(super) fn back(authenticator: &str, state: String, encoded: String) -> Return {
    Return { authenticator: authenticator.into(), state, encoded: Zeroizing::new(encoded) }
}

/// Who comes.
enum Came {
    /// Somebody with this state.
    Back(String),
    /// Somebody for the form of this handle.
    Posted(String),
}

/// # Errors
/// `form.*`, `server.return.state-absent`, `server.return.state-twice`.
fn read(encoded: &[u8]) -> Result<Came, Refusal> {
    let form = Form::parse(encoded)?.without_duplicates()?;
    let value = |name| Ok::<_, Refusal>(form.single(name)?.map(|parameter| parameter.value.clone()));
    match (value("state")?, value("RelayState")?, value("handle")?) {
        (Some(_), Some(_), _) => {
            Err(Refusal::misbehaved("server.return.state-twice").expected("state or RelayState, not both"))
        }
        (Some(state), None, _) | (None, Some(state), _) => Ok(Came::Back(state)),
        (None, None, Some(handle)) => Ok(Came::Posted(handle)),
        (None, None, None) => Err(absent()),
    }
}

fn absent() -> Refusal {
    Refusal::misbehaved("server.return.state-absent").expected("state or RelayState, once")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_state_is_needed() {
        for (query, state) in
            [("code=x&state=a.b", "a.b"), ("RelayState=a.b&SAMLResponse=eA%3D%3D", "a.b"), ("state=", "")]
        {
            assert!(matches!(read(query.as_bytes()), Ok(Came::Back(found)) if found == state), "{query}");
        }
        assert!(matches!(read(b"handle=x"), Ok(Came::Posted(handle)) if handle == "x"));
        for (query, code) in [
            ("", "server.return.state-absent"),
            ("code=x", "server.return.state-absent"),
            ("state=a&RelayState=a", "server.return.state-twice"),
            ("state=a&state=b", "form.duplicate"),
            ("code=a&code=b&state=a", "form.duplicate"),
            ("%73tate=a", "form.name.encoded"),
            ("state=%zz", "form.escape.broken"),
            ("state=a b", "form.not-ascii"),
        ] {
            assert_eq!(read(query.as_bytes()).err().map(|refusal| refusal.code), Some(code), "{query}");
        }
    }
}
