//! People sign in from these countries alone. The proxy says where a request comes from; when it does not say,
//! nobody signs in.
#![cfg(target_family = "wasm")]

use postern_policy::*;

struct Country;

const SCHEMA: &str = r#"{
  "type": "object",
  "required": ["allowed"],
  "additionalProperties": false,
  "properties": {
    "header": { "type": "string", "description": "in sign_in.policy_headers; x-country by default" },
    "allowed": { "type": "array", "items": { "type": "string" }, "description": "ISO 3166-1 alpha-2, such as AT" }
  }
}"#;
const TEXTS: Texts = &[
    ("country.denied", "en", "You can't sign in from the country that you are in."),
    ("country.denied", "de", "Aus dem Land, in dem Sie sich befinden, können Sie sich nicht anmelden."),
];

#[derive(serde::Deserialize)]
struct Settings {
    header: Option<String>,
    allowed: Vec<String>,
}

impl Policy for Country {
    type Settings = Settings;

    fn describe() -> Description {
        described("country", env!("CARGO_PKG_VERSION"), "Only from some countries", SCHEMA, TEXTS)
    }

    fn decide(context: &Context, settings: Settings) -> Decision {
        match header(context, settings.header.as_deref().unwrap_or("x-country")) {
            Some(country) if settings.allowed.iter().any(|allowed| allowed == country) => Decision::Unchanged,
            Some(country) => deny("country.denied", &format!("from {country}")),
            None => deny("country.denied", "the proxy does not say from where"),
        }
    }
}

postern_policy::export!(Country);
