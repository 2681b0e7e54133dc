//! A provider's claims under our own names.

use postern_jose::Claims;
use postern_jose::json::{Object, Value};

/// Most values of a claim, and bytes of one.
const MAX_VALUES: usize = 32;
const MAX_VALUE: usize = 512;

/// Claims that are worth something only when the provider says that it has verified them (OpenID Connect Core
/// section 5.1).
const VERIFIED: [(&str, &str); 2] = [("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// Where claims are looked up: the ID token's first, which is signed, then UserInfo's.
#[derive(Clone, Copy, Debug)]
pub struct ClaimSource<'a> {
    /// Of the ID token.
    pub id_token: &'a Claims,
    /// Of UserInfo, when it was asked.
    pub userinfo: Option<&'a Object>,
}

impl<'a> ClaimSource<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.id_token.get(name).or_else(|| self.userinfo.and_then(|claims| claims.get(name)))
    }

    /// A claim and its `…_verified` belong together: they are taken from one place.
    fn is_verified(&self, name: &str, verified: &str) -> bool {
        let flag = if self.id_token.get(name).is_some() {
            self.id_token.get(verified)
        } else {
            self.userinfo.and_then(|claims| claims.get(verified))
        };
        flag == Some(&Value::Bool(true))
    }
}

/// Names with their values, as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappedClaims(pub Vec<(String, Vec<String>)>);

impl MappedClaims {
    /// Takes the claims that the operator names: ours, and the provider's. Texts, numbers, truth values and
    /// lists of texts; others, and what is too long or has control characters, are left out. So is an address
    /// that the provider has not verified, unless the operator `trusts_unverified` ones.
    pub fn of<'a>(
        mapping: impl IntoIterator<Item = (&'a str, &'a str)>,
        source: ClaimSource<'_>,
        trusts_unverified: bool,
    ) -> Self {
        let mut mapped = Vec::new();
        for (ours, theirs) in mapping {
            let verified = VERIFIED.into_iter().find(|(name, _)| *name == theirs);
            if let Some((name, flag)) = verified
                && !trusts_unverified
                && !source.is_verified(name, flag)
            {
                continue;
            }
            let values = source.get(theirs).map(texts).unwrap_or_default();
            if !values.is_empty() {
                mapped.push((ours.to_owned(), values));
            }
        }
        Self(mapped)
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let is_good =
        |text: &String| !text.is_empty() && text.len() <= MAX_VALUE && !text.chars().any(char::is_control);
    match value {
        Value::Array(values) if values.len() > MAX_VALUES => Vec::new(),
        Value::Array(values) => values.iter().filter_map(text).filter(is_good).collect(),
        one => text(one).filter(is_good).into_iter().collect(),
    }
}
