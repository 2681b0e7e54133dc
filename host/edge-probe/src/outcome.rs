//! What an answer says about who gave it.

use serde::Serialize;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response.
    Response {
        /// Its status.
        status: u16,
        /// Names in lower case, in order.
        headers: Vec<(String, String)>,
        /// As far as it was read.
        body: Vec<u8>,
    },
    /// The connection ended without one.
    Closed,
    /// Neither came within the time limit.
    Silent,
}

/// Whether the edge's own answers can be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marks {
    /// By the guards' correlation id.
    Guards,
    /// Not at all: the status decides.
    None,
}

/// Who refused, or that nobody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// A guard, with the reference that its log has.
    RefusedByGuard {
        /// The status.
        status: u16,
        /// A UUID or 32 hexadecimal digits.
        reference: String,
    },
    /// The proxy itself, before a guard saw it. No status: it closed the connection.
    RefusedByProxy {
        /// The status, when there was an answer.
        status: Option<u16>,
    },
    /// Somebody, as the status says; the LAN can't be ruled out.
    RefusedByStatus {
        /// The status.
        status: u16,
    },
    /// Nobody.
    Passed {
        /// The status that the LAN answered with.
        status: u16,
    },
    /// No answer in time: the request may have passed, and hang.
    Silent,
    /// Too many requests: nothing was judged.
    Limited,
}

impl Outcome {
    /// Judges an answer. `is_malformed` is whether the request is no HTTP, or none that a proxy
    /// takes: its codec answers that by itself, in bare words that an application could have too,
    /// so that they count for no other request.
    pub fn of(answer: &Answer, marks: Marks, is_malformed: bool) -> Self {
        let (status, headers, body) = match answer {
            Answer::Closed => return Self::RefusedByProxy { status: None },
            Answer::Silent => return Self::Silent,
            Answer::Response { status, headers, body } => (*status, headers, body.as_slice()),
        };
        if status < 400 {
            return Self::Passed { status };
        }
        let header =
            |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let body = String::from_utf8_lossy(body);
        if let Some(reference) = header("x-correlation-id").filter(|id| is_reference(id))
            && (body.trim_end().ends_with(&format!("Reference: {reference}")) || is_to_head(headers, &body))
            && status < 500
        {
            return Self::RefusedByGuard { status, reference: reference.to_owned() };
        }
        if status == 429 && body.starts_with("Too Many Requests") {
            return Self::Limited;
        }
        // 501 is a framing that the proxy does not know; what comes from the LAN, or its absence, has others.
        let is_mapped =
            (status < 500 || status == 501) && body.starts_with("The request could not be served (");
        if is_mapped || is_malformed && is_codec(status, headers, &body) {
            return Self::RefusedByProxy { status: Some(status) };
        }
        let refusing =
            matches!(status, 400 | 403 | 404 | 405 | 408 | 411 | 413 | 414 | 415 | 421 | 426 | 431 | 501);
        if marks == Marks::None && refusing {
            return Self::RefusedByStatus { status };
        }
        Self::Passed { status }
    }

    /// Whether the edge did what it must.
    pub fn is_refused(&self) -> bool {
        matches!(
            self,
            Self::RefusedByGuard { .. } | Self::RefusedByProxy { .. } | Self::RefusedByStatus { .. }
        )
    }
}

/// A UUID, which the proxy makes, or 32 hexadecimal digits, which a filter makes that is alone.
fn is_reference(text: &str) -> bool {
    let hexadecimal = |part: &str, digits: usize| {
        part.len() == digits
            && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        [whole] => hexadecimal(whole, 32),
        [a, b, c, d, e] => [(a, 8), (b, 4), (c, 4), (d, 4), (e, 12)]
            .into_iter()
            .all(|(part, digits)| hexadecimal(part, digits)),
        _ => false,
    }
}

/// An answer to HEAD announces the body that it leaves out.
fn is_to_head(headers: &[(String, String)], body: &str) -> bool {
    body.is_empty() && headers.iter().any(|(name, value)| name == "content-length" && value != "0")
}

/// What a proxy's HTTP codec answers before there is a request: a reason phrase or nothing, no
/// header of an application, and the connection is closed. Once the head of the request was read,
/// the endpoint filter's headers of responses are on it.
fn is_codec(status: u16, headers: &[(String, String)], body: &str) -> bool {
    const HEADERS: [&str; 10] = [
        "connection",
        "content-length",
        "content-type",
        "date",
        "server",
        "content-security-policy",
        "referrer-policy",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
    ];
    let phrases: &[&str] = match status {
        400 => &["", "Bad Request"],
        403 => &["", "Forbidden"],
        404 => &["", "Not Found"],
        413 => &["", "Payload Too Large", "Content Too Large"],
        426 => &["", "Upgrade Required"],
        431 => &["", "Request Header Fields Too Large"],
        501 => &["", "Not Implemented"],
        _ => return false,
    };
    phrases.contains(&body.trim())
        && headers.iter().all(|(name, _)| HEADERS.contains(&name.as_str()))
        && headers.iter().any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer::Response { status, headers, body: body.into() }
    }

    #[test]
    fn the_guards_are_known_by_their_reference() {
        let body = format!("Not Found\nReference: {ID}\n");
        let refused = Outcome::of(&response(404, &[("x-correlation-id", ID)], &body), Marks::Guards, false);
        assert_eq!(refused, Outcome::RefusedByGuard { status: 404, reference: ID.into() });
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        let body_of_uuid = format!("Not Found\nReference: {uuid}\n");
        let refused =
            Outcome::of(&response(404, &[("x-correlation-id", uuid)], &body_of_uuid), Marks::Guards, false);
        assert_eq!(refused, Outcome::RefusedByGuard { status: 404, reference: uuid.into() });
        for (status, id, body) in [
            (404, "0123456-89ab-cdef-0123-456789abcdef", "Reference: 0123456-89ab-cdef-0123-456789abcdef"),
            (404, "", body.as_str()),
            (404, ID, "Not Found"),
            (404, ID, "Reference: 00000000000000000000000000000000"),
            (404, "short", "Reference: short"),
            (200, ID, body.as_str()),
            (302, ID, body.as_str()),
            // A guard that could not judge answers 503: that is no refusal of this request.
            (503, ID, body.as_str()),
        ] {
            let outcome =
                Outcome::of(&response(status, &[("x-correlation-id", id)], body), Marks::Guards, false);
            assert_eq!(outcome, Outcome::Passed { status }, "{status} {id} {body}");
            assert!(!outcome.is_refused());
        }
    }

    #[test]
    fn what_the_lan_may_have_said_is_not_a_refusal() {
        let lan =
            response(404, &[("content-type", "text/html"), ("connection", "close")], "<h1>Not Found</h1>");
        assert_eq!(Outcome::of(&lan, Marks::Guards, false), Outcome::Passed { status: 404 });
        assert_eq!(Outcome::of(&lan, Marks::None, false), Outcome::RefusedByStatus { status: 404 });
        for marks in [Marks::Guards, Marks::None] {
            let login = response(401, &[("connection", "close")], "");
            assert_eq!(Outcome::of(&login, marks, false), Outcome::Passed { status: 401 });
        }
    }

    #[test]
    fn the_proxys_own_answers_and_silence_are_told() {
        for (status, body) in [
            (400, ""),
            (400, "Bad Request"),
            (501, "Not Implemented"),
            (431, "Request Header Fields Too Large"),
        ] {
            let codec = response(status, &[("connection", "close"), ("server", "edge")], body);
            assert_eq!(
                Outcome::of(&codec, Marks::Guards, true),
                Outcome::RefusedByProxy { status: Some(status) }
            );
            let safe = [("connection", "close"), ("x-content-type-options", "nosniff")];
            assert_eq!(
                Outcome::of(&response(status, &safe, body), Marks::Guards, true),
                Outcome::RefusedByProxy { status: Some(status) }
            );
            // The same words to a request that a proxy takes can be an application's.
            assert_eq!(Outcome::of(&codec, Marks::Guards, false), Outcome::Passed { status });
        }
        let application = response(400, &[("connection", "close"), ("set-cookie", "a=b")], "Bad Request");
        assert_eq!(Outcome::of(&application, Marks::Guards, true), Outcome::Passed { status: 400 });
        let head = response(405, &[("x-correlation-id", ID), ("content-length", "61")], "");
        assert!(matches!(Outcome::of(&head, Marks::Guards, false), Outcome::RefusedByGuard { .. }));
        let mapped = response(
            400,
            &[("x-correlation-id", "-")],
            "The request could not be served (400).\nReference: -\n",
        );
        assert_eq!(Outcome::of(&mapped, Marks::Guards, false), Outcome::RefusedByProxy { status: Some(400) });
        assert_eq!(
            Outcome::of(&Answer::Closed, Marks::Guards, false),
            Outcome::RefusedByProxy { status: None }
        );
        assert_eq!(Outcome::of(&Answer::Silent, Marks::None, false), Outcome::Silent);
        assert_eq!(
            Outcome::of(&response(429, &[], "Too Many Requests\n"), Marks::Guards, false),
            Outcome::Limited
        );
    }
}
