//! One nginx with one worker, and a server for each chain. Behind the filters is a file.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern_end_to_end::nginx::children;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::tools;
use serde_json::Value;
use tempfile::TempDir;

use super::chain::{self, Chain};

/// Where Debian keeps the modules of nginx's packages.
const MODULES: &str = "/usr/lib/nginx/modules";

pub(super) struct Nginx {
    pub(super) ports: Vec<(Chain, u16)>,
    pub(super) process: Process,
    /// Of the worker.
    pub(super) schedstat: PathBuf,
    pub(super) folder: TempDir,
}

impl Nginx {
    pub(super) fn start(chains: &[Chain]) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let ports: Vec<_> = chains.iter().map(|chain| (*chain, free_port())).collect();
        let configuration = configuration(folder.path(), &ports, free_port())?;
        let file = folder.path().join("nginx.conf");
        write(&file, &configuration)?;
        write(&folder.path().join("ok"), "the filters let it through\n")?;
        write(&folder.path().join("keys.json"), &chain::jwks())?;
        let mut command = Command::new(tools::nginx());
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-g", "daemon off;"]);
        let mut process = Process::start("nginx", &command, &folder.path().join("nginx.log"));
        for (_, port) in &ports {
            process.wait_for_port(*port);
        }
        let id = process.id();
        process.wait_until("its worker", || children(id).len() == 1);
        let worker = children(id).first().copied().ok_or("nginx has no worker")?;
        let schedstat = PathBuf::from(format!("/proc/{worker}/task/{worker}/schedstat"));
        Ok(Self { ports, process, schedstat, folder })
    }
}

fn configuration(folder: &Path, ports: &[(Chain, u16)], keys_port: u16) -> Result<String, String> {
    let place = folder.display();
    let mut text = String::new();
    let has_lua = ports.iter().any(|(chain, _)| *chain == Chain::Lua);
    if has_lua {
        for module in ["ndk_http_module.so", "ngx_http_lua_module.so"] {
            let file = Path::new(MODULES).join(module);
            tools::existing(file.clone(), "apt-get install libnginx-mod-http-lua");
            let _ = writeln!(text, "load_module {};", file.display());
        }
    }
    let _ = write!(
        text,
        "load_module {};\nworker_processes 1;\npid {place}/nginx.pid;\nerror_log stderr warn;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n  access_log off;\n  keepalive_requests 100000000;\n  \
         keepalive_timeout 600s;\n  merge_slashes off;\n  large_client_header_buffers 4 64k;\n  \
         open_file_cache max=10;\n  postern_shared_memory 64m;\n  \
         postern_cluster {} http://127.0.0.1:{keys_port};\n",
        tools::nginx_module().display(),
        chain::KEYS_CLUSTER
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {place}/{kind};");
    }
    if has_lua {
        let _ = writeln!(text, "  init_by_lua_block {{ allowed = {{ {} }} }}", chain::lua_paths());
    }
    let mut known = Vec::new();
    let mut servers = String::new();
    for (chain, port) in ports {
        let _ = writeln!(servers, "  server {{\n    listen 127.0.0.1:{port};");
        for (index, (name, file, settings)) in guards(*chain).iter().enumerate() {
            if !known.contains(name) {
                let _ = writeln!(text, "  postern_module {name} {};", file.display());
                known.push(*name);
            }
            let json = folder.join(format!("{chain:?}-{index}.json"));
            write(&json, &settings.to_string())?;
            let _ = writeln!(servers, "    postern_filter {name} {};", json.display());
        }
        if *chain == Chain::Lua {
            servers += LUA;
        }
        let _ = writeln!(servers, "    location ~ ^ {{ alias {place}/ok; }}\n  }}");
    }
    let _ = write!(
        servers,
        "  server {{\n    listen 127.0.0.1:{keys_port};\n    postern_filter off;\n    \
         location ~ ^ {{ default_type application/json; alias {place}/keys.json; }}\n  }}\n}}\n"
    );
    Ok(text + &servers)
}

/// The allowlist that people write.
const LUA: &str = "    access_by_lua_block {
      local path = ngx.var.request_uri
      local stop = string.find(path, \"?\", 1, true)
      if stop then path = string.sub(path, 1, stop - 1) end
      if not allowed[path] then return ngx.exit(404) end
    }
";

/// The filters of a chain: their names, files and settings.
fn guards(chain: Chain) -> Vec<(&'static str, PathBuf, Value)> {
    let filter = |name: &'static str, settings| (name, tools::filter(name), settings);
    match chain {
        Chain::Noop => {
            vec![("noop", tools::target().join("postern/bench/noop.wasm"), Value::Object(Default::default()))]
        }
        Chain::Endpoint => vec![filter("endpoint-filter", chain::endpoint_configuration("filter"))],
        Chain::EndpointJudging => vec![filter("endpoint-filter", chain::endpoint_configuration("proxy"))],
        Chain::Saml => vec![filter("saml-decoder", chain::saml_configuration())],
        Chain::Token => {
            vec![filter("token-validator", chain::token_configuration(false, chain::KEYS_CLUSTER))]
        }
        Chain::Three => vec![
            filter("endpoint-filter", chain::endpoint_configuration("proxy")),
            filter("saml-decoder", chain::saml_configuration()),
            filter("token-validator", chain::token_configuration(true, chain::KEYS_CLUSTER)),
        ],
        Chain::Guard => vec![filter("guard", chain::guard_configuration("filter"))],
        Chain::GuardJudging => vec![filter("guard", chain::guard_configuration("proxy"))],
        _ => Vec::new(),
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
