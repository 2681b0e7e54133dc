//! Scopes to claims (OpenID Connect Core section 5.4).

use postern_jose::Scopes;
use postern_jose::json::{Object, Value};
use postern_oauth::Registration;

/// A claim of the user store: its name there and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectClaim {
    /// OpenID Connect's name where it has one, such as `email`.
    pub name: String,
    /// One value, most often.
    pub values: Vec<String>,
}

/// Claims of the scope `profile` (section 5.4).
const PROFILE: [&str; 14] = [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];

/// Claims of the scope `email`.
const EMAIL: [&str; 2] = ["email", "email_verified"];

/// The claims that the scopes give this client.
pub fn released_claims(registration: &Registration, scopes: &Scopes, subject: &[SubjectClaim]) -> Object {
    let mut released = Object::new();
    for (scope, names) in [("profile", PROFILE.as_slice()), ("email", EMAIL.as_slice())] {
        for name in names.iter().filter(|_| scopes.contains(scope)) {
            if let Some(value) = first_value(subject, name).and_then(|value| typed(name, value)) {
                released.insert((*name).to_owned(), value);
            }
        }
    }
    for (name, mapping) in &registration.claims {
        // A mapping replaces what a scope gives under the same name, even by nothing.
        released.remove(name);
        if !scopes.contains(&mapping.scope) {
            continue;
        }
        let value = if mapping.array {
            subject.iter().find(|claim| claim.name == mapping.from).map(|claim| claim.values.clone().into())
        } else {
            first_value(subject, &mapping.from).and_then(|value| typed(name, value))
        };
        if let Some(value) = value {
            released.insert(name.clone(), value);
        }
    }
    released
}

/// The userinfo response (section 5.3.2): the released claims and `sub`.
pub fn userinfo(mut released: Object, subject: &str) -> String {
    released.insert("sub".to_owned(), subject.into());
    Value::Object(released).to_string()
}

fn first_value<'a>(subject: &'a [SubjectClaim], name: &str) -> Option<&'a str> {
    subject.iter().find(|claim| claim.name == name)?.values.first().map(String::as_str)
}

/// Section 5.1 has two claims of other types than string; a value that does not fit is left out.
fn typed(name: &str, value: &str) -> Option<Value> {
    match name {
        "email_verified" => match value {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        "updated_at" => value.parse::<u64>().ok().map(Value::from),
        _ => Some(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subject() -> Vec<SubjectClaim> {
        let claim = |name: &str, values: &[&str]| SubjectClaim {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        vec![
            claim("name", &["Ada Lovelace"]),
            claim("email", &["ada@example.com"]),
            claim("email_verified", &["true"]),
            claim("updated_at", &["soon"]),
            claim("groups", &["engineers", "admins"]),
            claim("employee_number", &["7"]),
        ]
    }

    fn registration(claims: Value) -> Registration {
        let json = json!({
            "client_id": "shop", "redirect_uris": ["https://shop.example.com/cb"], "claims": claims,
            "scope": "openid profile email",
        });
        Registration::read(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_scope_gives_its_claims_and_no_others() {
        let registration = registration(json!({}));
        let released = |scopes| {
            Value::Object(released_claims(&registration, &Scopes::read(scopes).unwrap(), &subject()))
        };
        assert_eq!(released("openid"), json!({}));
        assert_eq!(released("openid profile"), json!({"name": "Ada Lovelace"}));
        assert_eq!(released("openid email"), json!({"email": "ada@example.com", "email_verified": true}));
    }

    #[test]
    fn mappings_add_and_replace() {
        let registration = registration(json!({
            "groups": {"from": "groups", "array": true},
            "role": {"from": "groups", "scope": "email"},
            "name": {"from": "employee_number"},
        }));
        let scopes = Scopes::read("openid profile").unwrap();
        assert_eq!(
            Value::Object(released_claims(&registration, &scopes, &subject())),
            json!({"groups": ["engineers", "admins"], "name": "7"})
        );
        assert_eq!(userinfo(Object::new(), "alice"), r#"{"sub":"alice"}"#);
    }
}
