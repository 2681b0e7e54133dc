//! `/commonauth/negotiate`: an authenticator has sent the person here, and their browser is asked for a Kerberos
//! ticket (RFC 4559). With one they are back at the authenticator at once, in this same request: a ticket stands
//! in no URL, and in no log of one. Without, the page leads on.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use postern_form::Form;
use postern_kernel::flow::RETURN;
use postern_kernel::module::Audience;
use postern_refusal::Refusal;

use super::returned::back;
use super::{Exchange, visitor};

/// The scheme, with what ends it.
const SCHEME: &str = "Negotiate ";

impl Exchange<'_> {
    /// GET.
    pub(super) async fn negotiate(&self, query: &str, headers: &HeaderMap) -> Response<Body> {
        let flow = &self.live.flow;
        let read = state(query).and_then(|state| Ok((state, token(headers)?)));
        let (state, token) = match read {
            Ok(read) => read,
            Err(refusal) => return self.refuse(&refusal, Audience::Browser),
        };
        let authenticator = match flow.negotiating(&self.visitor, &state).await {
            Ok(authenticator) => authenticator,
            Err(reply) => return self.reply(*reply, Audience::Browser),
        };
        match token {
            Some(token) => {
                let encoded = format!("state={state}&negotiate={}", encoded(token));
                let back = back(&authenticator, state, encoded);
                self.reply(flow.returned(&self.visitor, back).await, Audience::Browser)
            }
            None => self.ask(&format!("{RETURN}{authenticator}?state={state}&negotiate=")),
        }
    }

    fn ask(&self, otherwise: &str) -> Response<Body> {
        let mut response = self.html(self.live.pages.negotiate(&self.visitor.language, otherwise));
        let scheme = HeaderValue::from_static("Negotiate");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        response
    }
}

/// A state is two identifiers with a dot between them: anything else is not written into a URL.
///
/// # Errors
/// `form.*`, `server.return.state-absent`.
fn state(query: &str) -> Result<String, Refusal> {
    let absent = || Refusal::misbehaved("server.return.state-absent").expected("state, once");
    let form = Form::parse(query.as_bytes())?.without_duplicates()?;
    let state = form.single("state")?.ok_or_else(absent)?.value.clone();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if state.is_empty() || !state.bytes().all(is_plain) { Err(absent()) } else { Ok(state) }
}

/// The token, still base64. `None`: there is no header.
///
/// # Errors
/// `server.negotiate.credentials`: another scheme, or what is no base64.
fn token(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let wrong =
        || Refusal::misbehaved("server.negotiate.credentials").at("Authorization").expected("Negotiate");
    let value = visitor::single(headers, "authorization").ok_or_else(wrong)?;
    let (scheme, token) = value.split_at_checked(SCHEME.len()).ok_or_else(wrong)?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let is_good = scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty() && token.bytes().all(is_base64);
    if is_good { Ok(Some(token)) } else { Err(wrong()) }
}

/// Base64 as it stands in a form.
fn encoded(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_state_is_needed_and_it_is_a_plain_one() {
        assert_eq!(state("state=a-B_1.c").unwrap(), "a-B_1.c");
        for bad in ["", "state=", "state=a%26b.c", "state=a&state=b", "state=a%0D%0Ab", "State=a.b"] {
            assert!(state(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_token_is_taken_and_nothing_else() {
        let with = |value: &'static str| {
            HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))])
        };
        assert_eq!(token(&HeaderMap::new()).unwrap(), None);
        for good in ["Negotiate YII+/w==", "negotiate YII+/w=="] {
            assert_eq!(token(&with(good)).unwrap(), Some("YII+/w=="));
        }
        for bad in
            ["", "Negotiate", "Negotiate ", "Negotiate  YII", "Basic YTpi", "Bearer YII", "Negotiate a&b"]
        {
            assert_eq!(token(&with(bad)).unwrap_err().code, "server.negotiate.credentials", "{bad}");
        }
        let mut twice = with("Negotiate YII=");
        twice.append(header::AUTHORIZATION, HeaderValue::from_static("Negotiate YII="));
        assert!(token(&twice).is_err());
        assert_eq!(encoded("YII+/w=="), "YII%2B%2Fw%3D%3D");
    }
}
