use postern_form::Form;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Longest qualifier, in bytes.
const MAX_QUALIFIER: usize = 256;

/// A parameter of a product beside the message, which chooses among several registrations of one issuer.
/// WSO2 Identity Server reads `spQualifier`, and its service provider is then the one that is registered
/// as `<Issuer>:urn:sp:qualifier:<qualifier>` (`SAMLSSOUtil.getIssuerWithQualifier` of
/// wso2-extensions/identity-inbound-auth-saml). No signature covers it: the registration that it leads to is
/// all that a message is judged by, its keys and its addresses too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerQualifier {
    /// The parameter, once, in the query or in the form.
    pub parameter: String,
    /// What stands between issuer and qualifier in the registration's entity ID.
    pub separator: String,
}

impl IssuerQualifier {
    /// As WSO2 Identity Server has it.
    pub fn wso2is() -> Self {
        Self { parameter: "spQualifier".into(), separator: ":urn:sp:qualifier:".into() }
    }

    /// The entity ID of the registration.
    pub(crate) fn registered(&self, issuer: &str, qualifier: &str) -> String {
        format!("{issuer}{}{qualifier}", self.separator)
    }

    /// The qualifier in a query or a form: letters, digits, `-`, `.`, `_`, `~` and `@`, which every reader
    /// reads alike.
    ///
    /// # Errors
    /// `saml.parameter.value`, `form.duplicate`.
    pub(crate) fn of(&self, form: &Form<'_>) -> Result<Option<String>, Refusal> {
        let Some(parameter) = form.single(&self.parameter)? else { return Ok(None) };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
        let value = &parameter.value;
        if (1..=MAX_QUALIFIER).contains(&value.len()) && value.bytes().all(plain) {
            return Ok(Some(value.clone()));
        }
        Err(Refusal::misbehaved("saml.parameter.value")
            .at(&self.parameter)
            .expected("1 to 256 letters, digits, and -._~@")
            .found(value))
    }

    /// Whether it is a literal name without a meaning in SAML (told in lower case), and a separator that an
    /// entity ID can have.
    pub(crate) fn is_sound(&self, has_meaning: impl Fn(&str) -> bool) -> bool {
        let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        (1..=64).contains(&self.parameter.len())
            && self.parameter.bytes().all(literal)
            && !has_meaning(&self.parameter.to_ascii_lowercase())
            && (1..=64).contains(&self.separator.len())
            && self.separator.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Result<Option<String>, &'static str> {
        let form = Form::parse(query.as_bytes()).map_err(|refusal| refusal.code)?;
        IssuerQualifier::wso2is().of(&form).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_qualifier_has_one_reading() {
        assert_eq!(of("spQualifier=wso2.com&RelayState=x"), Ok(Some("wso2.com".into())));
        assert_eq!(of("RelayState=x"), Ok(None));
        assert_eq!(of("spqualifier=wso2.com"), Ok(None), "WSO2 IS does not read it");
        for query in
            ["spQualifier=", "spQualifier", "spQualifier=a%3Ab", "spQualifier=a%20b", "spQualifier=%C3%A4"]
        {
            assert_eq!(of(query), Err("saml.parameter.value"), "{query}");
        }
        assert_eq!(of(&format!("spQualifier={}", "a".repeat(257))), Err("saml.parameter.value"));
        assert_eq!(of("spQualifier=a&spQualifier=a"), Err("form.duplicate"));
    }

    #[test]
    fn it_is_registered_as_the_product_has_it() {
        let qualifier = IssuerQualifier::wso2is();
        assert_eq!(
            qualifier.registered("travelocity.com", "wso2.com"),
            "travelocity.com:urn:sp:qualifier:wso2.com"
        );
        let sound = |own: &IssuerQualifier| own.is_sound(|name| name == "relaystate");
        assert!(sound(&qualifier));
        assert!(!sound(&IssuerQualifier { parameter: "RelayState".into(), ..qualifier.clone() }));
        assert!(!sound(&IssuerQualifier { parameter: "a b".into(), ..qualifier.clone() }));
        assert!(!sound(&IssuerQualifier { separator: String::new(), ..qualifier }));
    }
}
