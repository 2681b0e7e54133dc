//! A second factor for the members of a group, also when a session of theirs is used again.
#![cfg(target_family = "wasm")]

use postern_policy::*;

struct Administrators;

const SCHEMA: &str = r#"{
  "type": "object",
  "required": ["second"],
  "additionalProperties": false,
  "properties": {
    "group": { "type": "string", "description": "administrators by default" },
    "second": { "type": "array", "items": { "type": "string" }, "description": "authenticators, one of which is asked for" }
  }
}"#;

#[derive(serde::Deserialize)]
struct Settings {
    group: Option<String>,
    second: Vec<String>,
}

impl Policy for Administrators {
    type Settings = Settings;

    fn describe() -> Description {
        let title = "A second factor for administrators";
        described("administrators", env!("CARGO_PKG_VERSION"), title, SCHEMA, &[])
    }

    fn decide(context: &Context, settings: Settings) -> Decision {
        let group = settings.group.as_deref().unwrap_or("administrators");
        match &context.person {
            Some(person) if person.groups.iter().any(|own| own == group) => {
                with_step(context, settings.second)
            }
            _ => Decision::Unchanged,
        }
    }
}

postern_policy::export!(Administrators);
