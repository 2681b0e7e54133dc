//! All cases in one nginx with the module, each behind a server of its own.
#![allow(unreachable_pub, reason = "a part of one test program")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use postern_end_to_end::process::{Process, free_port, refusing_port};
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;

use super::cases::Case;
use super::envoy::client;
use super::here::CALLED;

/// What our host says and what nginx says instead; none: nginx does not say it.
pub type Differs = &'static [(&'static str, Option<&'static str>)];

/// Why each of them is so stands in `host/proxy-wasm/README.md`.
pub fn differs(case: &str) -> Differs {
    match case {
        // The plugin has a configuration, a VM has none of its own.
        "configuration" => &[
            ("size=8", Some("size=0")),
            ("bytes=0:the VM's", Some("bytes=0:")),
            ("part=0:he VM", Some("part=2:")),
        ],
        "queues" => &[
            ("register=0", Some("register=12")),
            ("again=0", Some("again=12")),
            ("resolve=0", Some("resolve=12")),
            ("unknown=1", Some("unknown=12")),
            ("empty=7:", Some("empty=1:")),
            ("enqueue=0", Some("enqueue=1")),
            ("dequeue=0:item", Some("dequeue=1:")),
            ("dequeue=0:next", None),
        ],
        "queue-ready" => &[
            ("register=0", Some("register=12")),
            ("enqueue=0", Some("enqueue=1")),
            ("the queue=1", None),
            ("item=0:item", None),
        ],
        // Each line once: what is said of the request's and of the response's trailers.
        "trailers" => &[
            ("trailers=1", None),
            ("x-request-end=0:over", None),
            ("add=0", None),
            ("x-added=0:a", None),
            ("x-none=1:", None),
            ("x-response-end=0:and out", None),
        ],
        _ => &[],
    }
}

/// What each guest says, then what the client gets, each line once.
pub fn observe(cases: &[Case], expected: &[usize]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start(None, BTreeMap::from([("/callout".into(), CALLED.into())]));
    let ports: Vec<u16> = cases.iter().map(|_| free_port()).collect();
    let place = folder.path().display();
    let mut text = format!(
        "load_module {};\nworker_processes 1;\npid {place}/nginx.pid;\nerror_log stderr info;\n\
         events {{ worker_connections 256; }}\nhttp {{\n  access_log off;\n  merge_slashes off;\n  \
         postern_cluster upstream http://127.0.0.1:{};\n  postern_cluster away http://127.0.0.1:{};\n",
        tools::nginx_module().display(),
        upstream.port,
        refusing_port(),
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {place}/{kind};");
    }
    let settings = folder.path().join("settings");
    fs::write(&settings, "the plugin's").expect("a file");
    for (case, port) in cases.iter().zip(&ports) {
        let file = folder.path().join(format!("{}.wasm", case.name));
        fs::write(&file, case.guest.module()).expect("a file");
        let _ = write!(
            text,
            "  postern_module {name} {file};\n  server {{\n    listen 127.0.0.1:{port};\n    \
             postern_filter {name} {settings};\n    location / {{\n      \
             proxy_pass http://127.0.0.1:{upstream};\n      proxy_http_version 1.1;\n    }}\n  }}\n",
            name = case.name,
            file = file.display(),
            settings = settings.display(),
            upstream = upstream.port,
        );
    }
    text += "}\n";
    let file = folder.path().join("nginx.conf");
    fs::write(&file, text).expect("a file");
    let mut command = Command::new(tools::nginx());
    command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-g", "daemon off;"]);
    let mut process = Process::start("nginx", &command, &folder.path().join("nginx.log"));
    process.wait_for_port(*ports.last().expect("a case"));
    let answers: Vec<String> = cases.iter().zip(&ports).map(|(case, port)| client(case, *port)).collect();
    let observed = cases.iter().zip(expected).zip(answers);
    observed
        .map(|((case, expected), answer)| {
            let mut lines = said(&process, case);
            for _ in 0..100 {
                if lines.len() + 1 >= *expected {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
                lines = said(&process, case);
            }
            lines.push(answer);
            if case.order_differs {
                lines.sort();
            }
            lines
        })
        .collect()
}

/// The lines of the guest in nginx's log: `… [warn] 1#1: *2 name: what it says, client: …`. The master
/// configures the plugin, too, and says so.
fn said(process: &Process, case: &Case) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let own = format!("{}: ", case.name);
    for line in process.log().lines() {
        let Some((_, rest)) = line.split_once("#") else { continue };
        let Some((_, rest)) = rest.split_once(": ") else { continue };
        let rest = match rest.strip_prefix('*') {
            Some(numbered) => numbered.split_once(' ').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let Some(said) = rest.strip_prefix(&own) else { continue };
        let said = said.split(", client: ").next().unwrap_or_default();
        let said = said.split(" while ").next().unwrap_or_default();
        if !lines.iter().any(|line| line == said) {
            lines.push(said.to_owned());
        }
    }
    lines
}
