//! Hostile guest: a policy that does what its settings name. The sandbox's tests call it.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/policy.wit")]
mod bindings {
    wit_bindgen::generate!({ world: "policy-module", path: "../../../wit" });
}

use bindings::exports::postern::idp::policy::{Context, Decision, Denial, Description, Guest, Translation};
use bindings::postern::idp::policy_log::{Level, log};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct Policy;

impl Guest for Policy {
    fn describe() -> Description {
        Description {
            name: "policy".into(),
            version: "1".into(),
            title: "A policy for tests".into(),
            settings_schema: r#"{"type":"object"}"#.into(),
            translations: vec![Translation { language: "en".into(), key: "no".into(), text: "No.".into() }],
        }
    }

    fn decide(context: Context) -> Decision {
        // {"do":"…"}: the crime is what stands between the last two quotation marks.
        let crime = context.settings.rsplit('"').nth(1).unwrap_or_default();
        let step = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        match crime {
            "spin" => loop {
                core::hint::black_box(crime);
            },
            "trap" => core::arch::wasm32::unreachable(),
            "allocate" => {
                let mut all = Vec::new();
                loop {
                    all.push(core::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            "recurse" => Decision::Steps(vec![step(&[&deeper(1).to_string()])]),
            "huge" => Decision::Steps(vec![vec!["a".repeat(4 << 20)]]),
            "many-steps" => Decision::Steps(vec![step(&["password"]); 9]),
            "many-alternatives" => Decision::Steps(vec![step(&["password"; 17])]),
            "name-path" => Decision::Steps(vec![step(&["../password"])]),
            "name-control" => Decision::Steps(vec![step(&["pass\nword"])]),
            "name-empty" => Decision::Steps(vec![step(&[""])]),
            "reason-control" => deny("no", "because\r\nsession.ended"),
            "reason-long" => deny("no", &"x".repeat(257)),
            "reason-empty" => deny("no", ""),
            "text-html" => deny("<script>alert(1)</script>", "html"),
            "text-control" => deny("a\u{1b}[2J", "escape"),
            "text-long" => deny(&"x".repeat(129), "long"),
            "deny" => deny("no", "told to"),
            "unknown" => Decision::Steps(vec![step(&["password"]), step(&["no-such"])]),
            "none" => Decision::Steps(Vec::new()),
            "echo" => {
                log(Level::Info, "asked\nand answered");
                Decision::Steps(vec![echo(&context)])
            }
            "steps" => Decision::Steps(context.steps),
            _ => Decision::Unchanged,
        }
    }
}

/// What it was told, as names.
fn echo(context: &Context) -> Vec<String> {
    let person = context.person.as_ref();
    let mut told = vec![format!("at-{}", context.time)];
    told.extend(person.map(|person| format!("user-{}", person.username)));
    told.extend(person.iter().flat_map(|person| person.groups.iter().map(|group| format!("group-{group}"))));
    told.extend(context.networks.iter().map(|network| format!("in-{network}")));
    told.extend(context.headers.iter().map(|header| format!("{}-{}", header.name, header.value)));
    told.push(format!("failures-{}-{}", context.failures.person, context.failures.address));
    told.push(format!("device-{}-{}", context.device.known, context.device.remembered));
    told
}

fn deny(text: &str, reason: &str) -> Decision {
    Decision::Deny(Denial { text: text.into(), reason: reason.into() })
}

#[allow(unconditional_recursion, reason = "a crime")]
fn deeper(depth: u64) -> u64 {
    deeper(core::hint::black_box(depth) + 1) + core::hint::black_box(1)
}

bindings::export!(Policy with_types_in bindings);
