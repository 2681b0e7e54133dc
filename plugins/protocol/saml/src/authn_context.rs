/// How the classes of a RequestedAuthnContext compare (SAML core section 3.3.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// One of them.
    Exact,
    /// One of them or a stronger one.
    Minimum,
    /// None stronger than them.
    Maximum,
    /// One stronger than all of them.
    Better,
}

/// What a relying party asks of the sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    /// How the classes are meant.
    pub comparison: Comparison,
    /// Class references, most wanted first. At least one.
    pub classes: Vec<String>,
}

/// Classes that can be compared, weakest first. Classes in one row are equally strong.
const STRENGTH: [&[&str]; 5] = [
    &["urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"],
    &["urn:oasis:names:tc:SAML:2.0:ac:classes:Password"],
    &["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"],
    &[
        "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
    ],
    &[
        "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
        "https://refeds.org/profile/mfa",
    ],
];

impl RequestedAuthnContext {
    /// The classes that satisfy the request, best first. None: nothing that is known here does,
    /// answer NoAuthnContext. An exact request is handed on as it is.
    pub fn acceptable(&self) -> Option<Vec<String>> {
        if self.comparison == Comparison::Exact {
            return Some(self.classes.clone());
        }
        let ranks: Option<Vec<usize>> = self.classes.iter().map(|class| strength(class)).collect();
        let ranks = ranks?;
        let (weakest, strongest) = (ranks.iter().min()?, ranks.iter().max()?);
        let acceptable: Vec<String> = STRENGTH
            .iter()
            .enumerate()
            .filter(|(rank, _)| match self.comparison {
                Comparison::Exact => false,
                Comparison::Minimum => rank >= weakest,
                Comparison::Maximum => rank <= strongest,
                Comparison::Better => rank > strongest,
            })
            .flat_map(|(_, classes)| classes.iter().map(|class| (*class).to_owned()))
            .collect();
        (!acceptable.is_empty()).then_some(acceptable)
    }
}

fn strength(class: &str) -> Option<usize> {
    STRENGTH.iter().position(|classes| classes.contains(&class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acceptable(comparison: Comparison, class: &str) -> Option<Vec<String>> {
        let classes = vec![format!("urn:oasis:names:tc:SAML:2.0:ac:classes:{class}")];
        RequestedAuthnContext { comparison, classes }.acceptable()
    }

    #[test]
    fn comparisons_follow_the_specification() {
        let ppt = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned();
        let has = |list: Option<Vec<String>>| list.is_some_and(|list| list.contains(&ppt));
        assert!(has(acceptable(Comparison::Minimum, "Password")));
        assert!(has(acceptable(Comparison::Maximum, "TimeSyncToken")));
        assert!(has(acceptable(Comparison::Better, "Password")));
        assert!(!has(acceptable(Comparison::Better, "PasswordProtectedTransport")));
        assert!(!has(acceptable(Comparison::Minimum, "TimeSyncToken")));
        assert_eq!(acceptable(Comparison::Better, "TimeSyncToken"), None);
        assert_eq!(acceptable(Comparison::Minimum, "Unheard"), None);
        assert_eq!(acceptable(Comparison::Exact, "Unheard").map(|list| list.len()), Some(1));
    }
}
