//! A second factor for everybody whose address is not in one of the operator's networks.
#![cfg(target_family = "wasm")]

use postern_policy::*;

struct OfficeNetwork;

const SCHEMA: &str = r#"{
  "type": "object",
  "required": ["second"],
  "additionalProperties": false,
  "properties": {
    "inside": { "type": "array", "items": { "type": "string" }, "description": "names in sign_in.networks" },
    "second": { "type": "array", "items": { "type": "string" }, "description": "authenticators, one of which is asked for outside" }
  }
}"#;

#[derive(serde::Deserialize)]
struct Settings {
    #[serde(default = "office")]
    inside: Vec<String>,
    second: Vec<String>,
}

fn office() -> Vec<String> {
    vec!["office".into()]
}

impl Policy for OfficeNetwork {
    type Settings = Settings;

    fn describe() -> Description {
        let title = "A second factor outside the office network";
        described("office-network", env!("CARGO_PKG_VERSION"), title, SCHEMA, &[])
    }

    fn decide(context: &Context, settings: Settings) -> Decision {
        if context.networks.iter().any(|network| settings.inside.contains(network)) {
            return Decision::Unchanged;
        }
        with_step(context, settings.second)
    }
}

postern_policy::export!(OfficeNetwork);
