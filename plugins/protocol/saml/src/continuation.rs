//! An identity provider's own sign-on flow that comes back to the path where messages arrive.
use serde::{Deserialize, Serialize};

/// Longest value of a parameter, in bytes.
const MAX_VALUE: usize = 256;

/// A GET that goes on with a sign-on under way, and carries no message: WSO2 Identity Server
/// redirects to `/samlsso?sessionDataKey=…` after the sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continuation {
    /// The path, one of those that are judged.
    pub path: String,
    /// Its parameters by name. The first is always there, the others may be, each once; there are
    /// no others.
    pub parameters: Vec<String>,
}

impl Continuation {
    /// Whether this raw query (without question mark) is one. Values are 1 to 256 letters, digits,
    /// `-`, `.`, `_` and `~`: nothing that needs an escape, and so nothing with two readings.
    pub(crate) fn is(&self, query: &[u8]) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.split(|byte| *byte == b'&') {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            let Some(known) = self.parameters.iter().find(|known| known.as_bytes() == name) else {
                return false;
            };
            let value = parts.next().unwrap_or_default();
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            if seen.contains(&known.as_str())
                || !(1..=MAX_VALUE).contains(&value.len())
                || !value.iter().all(plain)
            {
                return false;
            }
            seen.push(known);
        }
        self.parameters.first().is_some_and(|first| seen.contains(&first.as_str()))
    }

    /// Whether its parameters are literal names, none of which carries a message.
    pub(crate) fn is_sound(&self, paths: &[String]) -> bool {
        let literal = |name: &String| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && !name.to_ascii_lowercase().starts_with("saml")
        };
        paths.contains(&self.path) && !self.parameters.is_empty() && self.parameters.iter().all(literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn continuation() -> Continuation {
        Continuation { path: "/samlsso".into(), parameters: vec!["sessionDataKey".into(), "tenant".into()] }
    }

    #[test]
    fn only_the_declared_parameters_with_plain_values_go_on() {
        for query in ["sessionDataKey=0d3c-4f", "tenant=a.b&sessionDataKey=x"] {
            assert!(continuation().is(query.as_bytes()), "{query}");
        }
        for query in [
            "",
            "sessionDataKey",
            "sessionDataKey=",
            "tenant=a",
            "sessionDataKey=a&sessionDataKey=b",
            "sessionDataKey=a&SAMLRequest=b",
            "SAMLRequest=b",
            "sessionDataKey=a&",
            "sessiondatakey=a",
            "sessionDataKey=a%26SAMLRequest%3Db",
            "sessionDataKey=a+b",
            "sessionDataKey=a;SAMLRequest=b",
            "sessionDataKey=a=b",
        ] {
            assert!(!continuation().is(query.as_bytes()), "{query}");
        }
        assert!(!continuation().is(format!("sessionDataKey={}", "a".repeat(257)).as_bytes()));
    }

    #[test]
    fn no_parameter_of_a_continuation_carries_a_message() {
        let paths = ["/samlsso".to_owned()];
        assert!(continuation().is_sound(&paths));
        assert!(!continuation().is_sound(&["/other".to_owned()]));
        for name in ["SAMLRequest", "samlart", "a%20b", ""] {
            let wrong = Continuation { parameters: vec![name.into()], ..continuation() };
            assert!(!wrong.is_sound(&paths), "{name}");
        }
    }
}
