//! What must be refused, as raw bytes. Every path that is tried is either one that no edge may
//! have, or an open one spelt so that two readers could read it in two ways.

mod artifacts;
mod federation;
mod framing;
mod headers;
mod hostile_xml;
mod management;
mod messages;
mod paths;
mod targets;
mod tokens;
mod ws_federation;

/// What is known of the edge.
#[derive(Clone, Debug)]
pub struct Target {
    /// Value of Host: one that the edge serves.
    pub host: String,
    /// A path that is open for GET, such as `/samlsso`.
    pub open: String,
    /// A path that takes a form by POST.
    pub form: Option<String>,
    /// Where SAML messages are decoded.
    pub saml: Option<String>,
    /// Where artifacts are resolved, in SOAP.
    pub artifacts: Option<String>,
    /// Where Responses of federated identity providers are judged.
    pub consumer: Option<String>,
    /// Where requests of WS-Federation are judged.
    pub wsfed: Option<String>,
    /// Whether a `wresult` may pass there that nobody has verified.
    pub takes_unverified_results: bool,
    /// A path that wants a bearer token.
    pub token: Option<String>,
    /// Whether the open path takes any parameter: an unknown one is no reason for a refusal then.
    pub takes_any_parameter: bool,
}

/// One request that must be refused.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it belongs to, such as `path`.
    pub class: &'static str,
    /// Its name within the class.
    pub name: String,
    /// What it stands for.
    pub why: &'static str,
    /// Every byte of it.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// Whether a proxy may take it for no HTTP and answer by itself.
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self.class, "target" | "method" | "header" | "framing")
    }
}

/// All that apply to the target.
pub fn entries(target: &Target) -> Vec<Entry> {
    let mut all = paths::entries(target);
    all.extend(targets::entries(target));
    all.extend(management::entries(target));
    all.extend(headers::entries(target));
    all.extend(framing::entries(target));
    all.extend(messages::entries(target));
    all.extend(artifacts::entries(target));
    all.extend(federation::entries(target));
    all.extend(ws_federation::entries(target));
    all.extend(tokens::entries(target));
    all
}

/// A path that nobody has: how the edge refuses is learnt from it.
pub(crate) fn unknown_path(target: &Target) -> Vec<u8> {
    get(target, "/postern-edge-probe-2f6c1d", "")
}

/// GET with further header lines, each ended by CR LF.
fn get(target: &Target, path: &str, headers: &str) -> Vec<u8> {
    line(target, "GET", path.as_bytes(), headers, b"")
}

/// Any request line.
fn line(target: &Target, method: &str, path: &[u8], headers: &str, body: &[u8]) -> Vec<u8> {
    let host = &target.host;
    let head = format!(
        " HTTP/1.1\r\nHost: {host}\r\nUser-Agent: postern-edge-probe\r\nConnection: close\r\n{headers}\r\n"
    );
    [method.as_bytes(), b" ", path, head.as_bytes(), body].concat()
}

/// A form by POST.
fn form(target: &Target, path: &str, body: &str) -> Vec<u8> {
    post(target, path, "Content-Type: application/x-www-form-urlencoded\r\n", body.as_bytes())
}

/// A body by POST, with its length.
fn post(target: &Target, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let headers = format!("{headers}Content-Length: {}\r\n", body.len());
    line(target, "POST", path.as_bytes(), &headers, body)
}

fn entry(class: &'static str, name: &str, why: &'static str, bytes: Vec<u8>) -> Entry {
    Entry { class, name: name.to_owned(), why, bytes }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_another_request_with_a_name_of_its_own() {
        let target = Target {
            host: "sso.example.com".into(),
            open: "/samlsso".into(),
            form: Some("/oauth2/token".into()),
            saml: Some("/samlsso".into()),
            artifacts: Some("/samlartresolve".into()),
            consumer: Some("/commonauth".into()),
            wsfed: Some("/passivests".into()),
            takes_unverified_results: false,
            token: Some("/oauth2/userinfo".into()),
            takes_any_parameter: false,
        };
        let all = entries(&target);
        assert!(all.len() >= 220, "{} entries", all.len());
        let names: BTreeSet<_> = all.iter().map(|entry| format!("{}/{}", entry.class, entry.name)).collect();
        assert_eq!(names.len(), all.len());
        let requests: BTreeSet<_> = all.iter().map(|entry| &entry.bytes).collect();
        assert_eq!(requests.len(), all.len());
        let count = |target: &Target| entries(target).len();
        for less in [
            Target { form: None, ..target.clone() },
            Target { saml: None, ..target.clone() },
            Target { token: None, ..target.clone() },
            Target { artifacts: None, ..target.clone() },
            Target { consumer: None, ..target.clone() },
            Target { wsfed: None, ..target.clone() },
            Target { takes_unverified_results: true, ..target.clone() },
        ] {
            assert!(count(&less) < all.len(), "{less:?}");
        }
    }
}
