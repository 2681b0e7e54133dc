//! For authors of policies: the bindings of `wit/policy.wit`, and short words for what most of them say.
//! `examples/policies` has whole ones.
//!
//! ```ignore
//! use postern_policy::*;
//!
//! struct Office;
//!
//! #[derive(serde::Deserialize)]
//! struct Settings { second: Vec<String> }
//!
//! impl Policy for Office {
//!     type Settings = Settings;
//!
//!     fn describe() -> Description {
//!         described("office", "1.0.0", "A second factor outside the office", SCHEMA, &[])
//!     }
//!
//!     fn decide(context: &Context, settings: Settings) -> Decision {
//!         if context.networks.iter().any(|name| name == "office") { return Decision::Unchanged }
//!         with_step(context, settings.second)
//!     }
//! }
//!
//! postern_policy::export!(Office);
//! ```
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/policy.wit")]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        world: "policy-module",
        path: "../../../wit",
        pub_export_macro: true,
        default_bindings_module: "postern_policy::bindings",
        export_macro_name: "export_component",
    });
}

pub use bindings::exports::postern::idp::policy::*;
pub use bindings::postern::idp::policy_log::{Level, log};

/// Key, language and text, for what people are told who are denied. English has to be among the languages.
pub type Texts = &'static [(&'static str, &'static str, &'static str)];

/// A policy. The calls of the host come in here.
pub trait Policy {
    /// What the operator sets, as the settings' schema has it.
    type Settings: serde::de::DeserializeOwned;

    /// What it is. At load.
    fn describe() -> Description;

    /// Which steps follow.
    fn decide(context: &Context, settings: Self::Settings) -> Decision;
}

/// A description.
pub fn described(name: &str, version: &str, title: &str, settings_schema: &str, texts: Texts) -> Description {
    let translation = |(key, language, text): &(&str, &str, &str)| Translation {
        language: (*language).into(),
        key: (*key).into(),
        text: (*text).into(),
    };
    Description {
        name: name.into(),
        version: version.into(),
        title: title.into(),
        settings_schema: settings_schema.into(),
        translations: texts.iter().map(translation).collect(),
    }
}

/// The steps of the configuration, and after them one of these; unchanged when one of them is asked for
/// already, in a step that offers nothing else.
pub fn with_step(context: &Context, alternatives: Vec<String>) -> Decision {
    let is_no_weaker = |step: &Vec<String>| step.iter().all(|name| alternatives.contains(name));
    if context.steps.iter().any(is_no_weaker) {
        return Decision::Unchanged;
    }
    let mut steps = context.steps.clone();
    steps.push(alternatives);
    Decision::Steps(steps)
}

/// The person may not: a text of the policy's own by its key, and why, for the log.
pub fn deny(text: &str, reason: &str) -> Decision {
    Decision::Deny(Denial { text: text.into(), reason: reason.into() })
}

/// The header's value, when the proxy set it.
pub fn header<'c>(context: &'c Context, name: &str) -> Option<&'c str> {
    context.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
}

/// Settings that are not as the schema says trap: then nobody signs in, and the log says why. The host judges
/// them before it loads the policy.
#[doc(hidden)]
pub fn dispatch<P: Policy>(context: &Context) -> Decision {
    match serde_json::from_str(&context.settings) {
        Ok(settings) => P::decide(context, settings),
        Err(error) => {
            log(Level::Warn, &format!("settings: {error}"));
            core::arch::wasm32::unreachable()
        }
    }
}

/// Makes the type the component's policy. Once in a crate.
#[macro_export]
macro_rules! export {
    ($policy:ty) => {
        #[doc(hidden)]
        struct ExportedPolicy;

        impl $crate::Guest for ExportedPolicy {
            fn describe() -> $crate::Description {
                <$policy as $crate::Policy>::describe()
            }

            fn decide(context: $crate::Context) -> $crate::Decision {
                $crate::dispatch::<$policy>(&context)
            }
        }

        $crate::bindings::export_component!(ExportedPolicy with_types_in $crate::bindings);
    };
}
