//! What the workers remember outlives the VM that wrote it.
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use postern_parity::filter::{Edge, Guards};
use postern_parity::native::saml::members;
use postern_parity::now;
use postern_vectors::{Vector, Verdict, load_all};

/// The messages of each kind that has an ID.
const SENT: [&str; 4] = [
    "accept/saml/redirect-unsigned",
    "accept/saml/post-signed-rsa",
    "accept/saml/artifact-resolve",
    "accept/saml/idp-response-whole-signed",
];

fn vector(name: &str) -> Vector {
    load_all().into_iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The static configuration with its listener in a file that Envoy watches, and that file's text.
fn watched(configuration: &str, file: &Path) -> (String, String) {
    let (head, rest) = configuration.split_once("static_resources:\n  listeners:\n").expect("listeners");
    let (listener, rest) = rest.split_once("\n  clusters:\n").expect("clusters");
    let mut lines: Vec<&str> = listener.lines().map(|line| line.get(4..).unwrap_or_default()).collect();
    let first = lines.iter().position(|line| line.starts_with("- ")).expect("a listener");
    let name = format!("  {}", &lines[first][2..]);
    lines[first] = "- \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener";
    lines.insert(first + 1, &name);
    let resources = format!("resources:\n{}\n", lines.join("\n"));
    let bootstrap = format!(
        "{head}node: {{ id: edge, cluster: edge }}\n\
         dynamic_resources:\n  lds_config:\n    path_config_source: {{ path: {:?} }}\n\
         static_resources:\n  clusters:\n{rest}",
        file.display().to_string()
    );
    (bootstrap, resources)
}

/// Another configuration of the VM makes another VM, under the same name.
fn with_another_vm(listener: &str) -> String {
    let (before, rest) = listener.split_once("vm_id: \"postern-saml-decoder\"\n").expect("the VM");
    let margin: String = before.chars().rev().take_while(|c| *c == ' ').collect();
    format!(
        "{before}vm_id: \"postern-saml-decoder\"\n{margin}configuration: \
         {{ \"@type\": type.googleapis.com/google.protobuf.StringValue, value: again }}\n{rest}"
    )
}

fn created(edge: &Edge) -> u64 {
    let found = edge.statistics("wasm.envoy.wasm.runtime.v8.created");
    found.iter().map(|(_, count)| count).sum()
}

#[test]
fn a_message_that_passed_before_a_reload_is_known_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("listeners.yaml");
    let guards = Guards { saml: true, members: members("saml-response"), ..Guards::default() };
    let edge = Edge::start_with(guards, 2, |configuration| {
        let alone = postern_parity::filter::without_filter(&configuration, "endpoint-filter");
        let (bootstrap, resources) = watched(&alone, &file);
        fs::write(&file, resources).expect("written");
        bootstrap
    });
    let seed = now();
    let requests = SENT.map(|name| (name, edge.request(&vector(name), seed)));
    for (name, request) in &requests {
        let verdict = edge.verdict_on(name, |origin| origin.send(request).expect("an answer"));
        assert_eq!(verdict, Verdict::Accept, "{name}");
    }
    let before = created(&edge);
    let reloaded = with_another_vm(&fs::read_to_string(&file).expect("the listener"));
    // Envoy watches for a rename.
    fs::write(folder.path().join("next.yaml"), reloaded).expect("written");
    fs::rename(folder.path().join("next.yaml"), &file).expect("renamed");
    let begun = Instant::now();
    while created(&edge) <= before
        || !edge.statistics("listener_manager.total_listeners_warming").iter().all(|(_, count)| *count == 0)
    {
        assert!(begun.elapsed() < Duration::from_secs(30), "Envoy made no new VM");
        thread::sleep(Duration::from_millis(50));
    }
    for (name, request) in &requests {
        let verdict = edge.verdict_on(name, |origin| origin.send(request).expect("an answer"));
        let replayed = Verdict::Refuse { code: "saml.request.replayed".into(), status: 400 };
        assert_eq!(verdict, replayed, "{name} after the reload");
        let fresh = edge.request(&vector(name), seed + 1);
        let verdict = edge.verdict_on(name, |origin| origin.send(&fresh).expect("an answer"));
        assert_eq!(verdict, Verdict::Accept, "another {name} after the reload");
    }
}
