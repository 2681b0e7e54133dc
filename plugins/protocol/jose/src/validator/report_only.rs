//! Rules for tokens that may be watched for a while before they refuse.

use postern_refusal::Refusal;

use crate::json::{Object, Value};

/// The reason codes that may be switched to report-only: what an issuer, a clock or a route decides. What
/// is not among them is how a token is read, and whether its signature is good.
const SWITCHABLE: [&str; 26] = [
    "jose.alg.not-allowed",
    "jose.kid.unknown",
    "oauth.nonce.required",
    "oauth.pkce.method",
    "oauth.pkce.required",
    "oauth.redirect-uri.mismatch",
    "oauth.response-mode.unsupported",
    "oauth.response-type.unsupported",
    "oauth.scope.not-registered",
    "oauth.state.required",
    "oauth.client.unknown",
    "token.audience.mismatch",
    "token.authorization.missing",
    "token.authorization.scheme",
    "token.claim.insufficient",
    "token.client.not-allowed",
    "token.dpop.age",
    "token.dpop.missing",
    "token.dpop.required",
    "token.expired",
    "token.issuer.mismatch",
    "token.lifetime.too-long",
    "token.not-yet-valid",
    "token.scope.insufficient",
    "token.type.mismatch",
    "token.binding.unproven",
];

/// The member of the filter's configuration.
const MEMBER: &str = "report_only";

/// The rules that report and do not refuse. A request that one of them lets through goes on as it came:
/// nothing more of its token is judged, and no claim of it is handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportOnly(Vec<String>);

impl ReportOnly {
    /// # Errors
    /// `token.configuration.invalid`: a code that is none, or always refuses.
    pub fn new(codes: Vec<String>) -> Result<Self, Refusal> {
        match codes.iter().find(|code| !SWITCHABLE.contains(&code.as_str())) {
            None => Ok(Self(codes)),
            Some(code) => Err(Refusal::configuration("token.configuration.invalid")
                .at(MEMBER)
                .expected(&format!("codes that can be report-only: {}", SWITCHABLE.join(", ")))
                .found(code)),
        }
    }

    /// Takes the member `report_only` out of the filter's configuration.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn take_from(configuration: &mut Object) -> Result<Self, Refusal> {
        let Some(member) = configuration.remove(MEMBER) else { return Ok(Self::default()) };
        let codes = serde_json::from_value(member).map_err(|error| {
            Refusal::configuration("token.configuration.invalid")
                .at(MEMBER)
                .expected("a list of reason codes")
                .found(&error.to_string())
        })?;
        Self::new(codes)
    }

    /// Writes the member, when there is any code.
    pub fn put_into(&self, configuration: &mut Object) {
        if !self.0.is_empty() {
            configuration.insert(MEMBER.to_owned(), Value::from(self.0.clone()));
        }
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the rule with this reason code only reports.
    pub fn holds(&self, code: &str) -> bool {
        self.0.iter().any(|switched| switched == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_a_token_always_refuses() {
        let mut members = Object::new();
        let codes = ReportOnly::new(vec!["token.expired".into()]).unwrap();
        codes.put_into(&mut members);
        assert_eq!(ReportOnly::take_from(&mut members), Ok(codes.clone()));
        assert!(
            members.is_empty() && codes.holds("token.expired") && !codes.holds("token.audience.mismatch")
        );
        for code in [
            "jose.signature.mismatch",
            "jose.alg.missing",
            "token.authorization.syntax",
            "token.keys.unavailable",
            "x",
        ] {
            assert_eq!(ReportOnly::new(vec![code.into()]).unwrap_err().element, MEMBER, "{code}");
        }
        members.insert(MEMBER.into(), Value::from(1));
        assert!(ReportOnly::take_from(&mut members).is_err());
    }
}
