//! Rules that may be watched for a while before they refuse.
use std::cell::RefCell;

use postern_refusal::Refusal;

/// The reason codes that may be switched to report-only: what a registration, a clock or a policy of the
/// operator decides. What is not among them protects the readers behind (limits, spellings, one reading
/// of every form and document), and always refuses.
pub const SWITCHABLE: [&str; 47] = [
    "saml.acs.not-registered",
    "saml.artifact-resolve.certificate",
    "saml.artifact-resolve.not-allowed",
    "saml.artifact.endpoint-index",
    "saml.artifact.source",
    "saml.assertion.audience",
    "saml.assertion.confirmation-end",
    "saml.assertion.expired",
    "saml.assertion.in-response-to",
    "saml.assertion.not-yet",
    "saml.assertion.recipient",
    "saml.destination.mismatch",
    "saml.destination.missing",
    "saml.identity-provider.unknown",
    "saml.idp-initiated.not-allowed",
    "saml.issue-instant.future",
    "saml.issue-instant.stale",
    "saml.issuer.unknown",
    "saml.logout.expired",
    "saml.message.elsewhere",
    "saml.message.unsupported",
    "saml.parameter.unknown",
    "saml.parameter.value",
    "saml.relay-state.not-registered",
    "saml.request.replayed",
    "saml.response.encrypted-not-accepted",
    "saml.response.unsolicited",
    "saml.signature.mismatch",
    "saml.signature.no-key",
    "saml.signature.required",
    "wsfed.home-realm.unknown",
    "wsfed.message.elsewhere",
    "wsfed.parameter.unknown",
    "wsfed.parameter.unsupported",
    "wsfed.parameter.value",
    "wsfed.realm.missing",
    "wsfed.realm.unknown",
    "wsfed.reply.not-registered",
    "wsfed.request-pointer.unknown",
    "wsfed.request.not-accepted",
    "wsfed.result.not-accepted",
    "wsfed.time.future",
    "wsfed.time.stale",
    "xml.signature.algorithm.not-allowed",
    "xml.signature.mismatch",
    "xml.signature.no-key",
    "xml.signature.sha1",
];

/// What was broken of rules that only report, while one message is judged.
#[derive(Debug, Default)]
pub(crate) struct Reports<'c> {
    codes: &'c [String],
    found: RefCell<Vec<Refusal>>,
}

impl<'c> Reports<'c> {
    pub(crate) fn of(codes: &'c [String]) -> Self {
        Self { codes, found: RefCell::default() }
    }

    /// Keeps the refusal of a rule that only reports; gives back any other.
    pub(crate) fn let_through(&self, refusal: Refusal) -> Result<(), Refusal> {
        let switched = self.codes.iter().any(|code| code == refusal.code);
        match self.found.try_borrow_mut() {
            Ok(mut found) if switched => {
                found.push(refusal);
                Ok(())
            }
            _ => Err(refusal),
        }
    }

    /// The same of a rule's verdict, which is this value when the rule only reports.
    pub(crate) fn or_report<T>(&self, verdict: Result<T, Refusal>, otherwise: T) -> Result<T, Refusal> {
        match verdict {
            Ok(value) => Ok(value),
            Err(refusal) => self.let_through(refusal).map(|()| otherwise),
        }
    }

    pub(crate) fn into_found(self) -> Vec<Refusal> {
        self.found.into_inner()
    }
}
