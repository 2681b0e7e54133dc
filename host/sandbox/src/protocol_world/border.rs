//! Values on their way into a protocol's component, and out of it: there each is checked.

use postern_kernel::module::{
    DOCUMENT_HEADERS, Demand, Document, Failure, Fault, FormPost, Logout, Method, Outcome, Refusal,
    Registration, Request, Response, SignOn,
};

use super::bindings::postern::idp::types as wit_types;
use super::wit;
use crate::bounds;
use crate::stop::Stop;

// Bytes.
const BODY: usize = 1 << 20;
const URL: usize = 16 << 10;
const STATE: usize = 16 << 10;
const IDENTIFIER: usize = 2_048;
const TEXT: usize = 512;
const HEADER: usize = 1_024;
const SETTINGS: usize = 64 << 10;
/// Items of a list.
const ITEMS: usize = 32;
const HEADERS: usize = 16;

/// What a browser shows as text or not at all. With these and no HTML, a module can't put script
/// on a page.
const CONTENT_TYPES: [&str; 8] = [
    "application/json",
    "application/jwk-set+json",
    "application/jwt",
    "application/token-introspection+jwt",
    "application/samlmetadata+xml",
    "application/soap+xml",
    "text/plain",
    "text/xml",
];

pub(crate) fn request(request: Request) -> wit_types::Request {
    wit_types::Request {
        method: match request.method {
            Method::Get => wit_types::Method::Get,
            Method::Post => wit_types::Method::Post,
        },
        path: request.path,
        query: request.query,
        content_type: request.content_type,
        authorization: request.authorization,
        body: request.body,
    }
}

pub(super) fn sign_on(result: SignOn) -> wit::SignOn {
    let authentication = match result {
        SignOn::Authenticated(authentication) => authentication,
        SignOn::Failed(failure) => {
            return wit::SignOn::Failed(match failure {
                Failure::LoginRequired => wit::Failure::LoginRequired,
                Failure::InteractionRequired => wit::Failure::InteractionRequired,
                Failure::ConsentRequired => wit::Failure::ConsentRequired,
                Failure::ContextUnavailable => wit::Failure::ContextUnavailable,
                Failure::Denied => wit::Failure::Denied,
            });
        }
    };
    let claims = authentication.claims.into_iter();
    wit::SignOn::Authenticated(wit::Authentication {
        subject: authentication.subject,
        session_index: authentication.session_index,
        session: authentication.session,
        authenticated_at: authentication.authenticated_at,
        expires_at: authentication.expires_at,
        context: authentication.context,
        methods: authentication.methods,
        claims: claims.map(|claim| wit_types::Claim { name: claim.name, values: claim.values }).collect(),
    })
}

pub(crate) fn outcome(outcome: wit::Outcome) -> Result<Outcome, Stop> {
    Ok(match outcome {
        wit::Outcome::Respond(value) => Outcome::Respond(response(value)?),
        wit::Outcome::Authenticate(value) => Outcome::Authenticate(demand(value)?),
        wit::Outcome::EndSession(value) => Outcome::EndSession(logout(value)?),
    })
}

pub(super) fn response(response: wit_types::Response) -> Result<Response, Stop> {
    Ok(match response {
        wit_types::Response::Document(value) => Response::Document(document(value)?),
        wit_types::Response::Redirect(url) => {
            bounds::url("redirect", &url, URL)?;
            Response::Redirect(url)
        }
        wit_types::Response::FormPost(value) => Response::FormPost(form_post(value)?),
        wit_types::Response::Refused(value) => Response::Refused(refusal(value)?),
        wit_types::Response::SignedOut => Response::SignedOut,
    })
}

pub(super) fn registration(
    result: Result<wit::Registration, wit_types::Refusal>,
) -> Result<Result<Registration, Refusal>, Stop> {
    let registration = match result {
        Ok(registration) => registration,
        Err(value) => return Ok(Err(refusal(value)?)),
    };
    bounds::filled("identifier", &registration.identifier, IDENTIFIER)?;
    bounds::optional_line("name", registration.name.as_deref(), TEXT)?;
    bounds::json_object("settings", &registration.settings, SETTINGS)?;
    let wit::Registration { identifier, name, settings, needs_secret } = registration;
    Ok(Ok(Registration { identifier, name, settings, needs_secret }))
}

fn document(document: wit_types::Document) -> Result<Document, Stop> {
    if !matches!(document.status, 200..=299 | 400..=599) {
        return Err(Stop::output(format_args!("status: {} is none of a document", document.status)));
    }
    content_type(&document.content_type)?;
    bounds::count("headers", document.headers.len(), HEADERS)?;
    bounds::distinct("headers", document.headers.iter().map(|header| &header.name))?;
    document.headers.iter().try_for_each(header)?;
    bounds::size("body", document.body.len(), BODY)?;
    Ok(Document {
        status: document.status,
        content_type: document.content_type,
        headers: document.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: document.body,
        refusal: document.refusal.map(refusal).transpose()?,
    })
}

/// One of the allowed types, as it is or in UTF-8.
fn content_type(value: &str) -> Result<(), Stop> {
    let (media_type, parameter) =
        value.split_once(';').map_or((value, None), |(media_type, rest)| (media_type, Some(rest)));
    let is_utf8 = |parameter: &str| parameter.trim_start_matches(' ').eq_ignore_ascii_case("charset=utf-8");
    if !CONTENT_TYPES.contains(&media_type) || !parameter.is_none_or(is_utf8) {
        return Err(Stop::output(format_args!("content-type: {value:?} is not allowed")));
    }
    Ok(())
}

fn header(header: &wit_types::Header) -> Result<(), Stop> {
    if !DOCUMENT_HEADERS.contains(&header.name.as_str()) {
        return Err(Stop::output(format_args!("headers: {:?} is not allowed", header.name)));
    }
    bounds::size("headers", header.value.len(), HEADER)?;
    if !header.value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Stop::output(format_args!("headers: {} is not printable ASCII", header.name)));
    }
    Ok(())
}

fn form_post(form_post: wit_types::FormPost) -> Result<FormPost, Stop> {
    bounds::url("action", &form_post.action, URL)?;
    bounds::count("fields", form_post.fields.len(), ITEMS)?;
    let mut total = 0_usize;
    for field in &form_post.fields {
        bounds::name("field", &field.name, 128, "-_.")?;
        total = total.saturating_add(field.value.len());
        // What a peer sent (RelayState, state) goes back unchanged; NUL has no place in a form.
        if field.value.contains('\0') {
            return Err(Stop::output(format_args!("field: {} has a NUL", field.name)));
        }
    }
    bounds::size("fields", total, BODY)?;
    Ok(FormPost {
        action: form_post.action,
        fields: form_post.fields.into_iter().map(|field| (field.name, field.value)).collect(),
        refusal: form_post.refusal.map(refusal).transpose()?,
    })
}

fn refusal(refusal: wit_types::Refusal) -> Result<Refusal, Stop> {
    bounds::code("refusal: code", &refusal.code)?;
    bounds::line("refusal: element", &refusal.element, TEXT)?;
    bounds::line("refusal: expected", &refusal.expected, TEXT)?;
    bounds::line("refusal: found", &refusal.found, TEXT)?;
    if !matches!(refusal.status, 400..=599) {
        return Err(Stop::output(format_args!("refusal: status {} refuses nothing", refusal.status)));
    }
    Ok(Refusal {
        code: refusal.code,
        fault: match refusal.fault {
            wit_types::Fault::PeerMisbehaved => Fault::PeerMisbehaved,
            wit_types::Fault::PeerIncompatible => Fault::PeerIncompatible,
            wit_types::Fault::Configuration => Fault::Configuration,
            wit_types::Fault::Internal => Fault::Internal,
        },
        element: refusal.element,
        expected: refusal.expected,
        found: refusal.found,
        status: refusal.status,
    })
}

fn demand(demand: wit::Demand) -> Result<Demand, Stop> {
    bounds::filled("demand: relying-party", &demand.relying_party, IDENTIFIER)?;
    bounds::count("demand: contexts", demand.contexts.len(), ITEMS)?;
    demand.contexts.iter().try_for_each(|context| bounds::filled("demand: context", context, TEXT))?;
    bounds::optional_line("demand: login-hint", demand.login_hint.as_deref(), TEXT)?;
    bounds::count("demand: consent", demand.consent.len(), ITEMS)?;
    demand.consent.iter().try_for_each(|item| bounds::filled("demand: consent", item, TEXT))?;
    bounds::size("demand: state", demand.state.len(), STATE)?;
    Ok(Demand {
        relying_party: demand.relying_party,
        force: demand.force,
        passive: demand.passive,
        select_account: demand.select_account,
        max_age: demand.max_age,
        contexts: demand.contexts,
        login_hint: demand.login_hint,
        consent: demand.consent,
        consent_anew: demand.consent_anew,
        state: demand.state,
    })
}

fn logout(logout: wit::Logout) -> Result<Logout, Stop> {
    bounds::optional_line("logout: session-index", logout.session_index.as_deref(), TEXT)?;
    bounds::optional_line("logout: subject", logout.subject.as_deref(), TEXT)?;
    bounds::optional_line("logout: relying-party", logout.relying_party.as_deref(), IDENTIFIER)?;
    bounds::size("logout: state", logout.state.len(), STATE)?;
    let wit::Logout { session_index, subject, relying_party, state } = logout;
    Ok(Logout { session_index, subject, relying_party, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        for good in [
            "application/json",
            "application/json;charset=UTF-8",
            "application/samlmetadata+xml; charset=utf-8",
        ] {
            assert!(content_type(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "text/html",
            "TEXT/HTML",
            "application/json, text/html",
            "application/xhtml+xml",
            "image/svg+xml",
            "text/javascript",
            "application/json;charset=utf-7",
            "application/json\r\nx: y",
            "application/json; charset=utf-8; x=y",
        ] {
            assert!(content_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers() {
        let make = |name: &str, value: &str| wit_types::Header { name: name.into(), value: value.into() };
        assert!(header(&make("cache-control", "no-store")).is_ok());
        assert!(header(&make("set-cookie", "a=b")).is_err());
        assert!(header(&make("Cache-Control", "no-store")).is_err(), "names are lower case");
        assert!(header(&make("www-authenticate", "Basic\r\nset-cookie: a=b")).is_err());
        assert!(header(&make("www-authenticate", &"x".repeat(2_000))).is_err());
    }
}
