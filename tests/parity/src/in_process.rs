//! The filters in our own proxy-wasm host, in this process, with the configuration that the host
//! exports.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use postern_edge::{CALLOUT_CLUSTER, filter_configurations, guard_configuration};
use postern_end_to_end::{tools, wire};
use postern_proxy_wasm::memory::{Exchange, MemoryHost, MemoryStream};
use postern_proxy_wasm::{
    Action, CompiledModule, Direction, Engine, HttpCallResponse, LogLevel, PluginId, PluginOptions, Vm,
    VmOptions,
};
use postern_vectors::{Keys, Reply, Request, Vector, Verdict};

use crate::filter::{Guards, INTROSPECTION_PATH, policy};
use crate::native::token;
use crate::{BASE_URL, now};

/// The guards in their VMs, in the order of the chain.
pub struct InProcess {
    filters: RefCell<Vec<Filter>>,
}

struct Filter {
    name: &'static str,
    vm: Vm<MemoryHost>,
    plugin: PluginId,
    /// What the issuer says that is asked about tokens.
    reply: Option<Reply>,
}

impl InProcess {
    /// Starts the filters, and lets them fetch their keys.
    ///
    /// # Panics
    /// When a filter is not built, or does not start.
    pub fn start(guards: Guards) -> Self {
        let names: &[&'static str] = match guards {
            Guards { together: true, .. } => &["guard"],
            Guards { saml: true, .. } => &["endpoint-filter", "saml-decoder"],
            Guards { token: true, .. } => &["endpoint-filter", "token-validator"],
            _ => &["endpoint-filter"],
        };
        Self::of(guards, names)
    }

    /// Starts the decoder alone, as before another identity provider.
    ///
    /// # Panics
    /// As [`InProcess::start`].
    pub fn start_decoder_alone(guards: Guards) -> Self {
        Self::of(guards, &["saml-decoder"])
    }

    fn of(guards: Guards, names: &[&'static str]) -> Self {
        let policy = policy(guards, BASE_URL);
        let mut configurations = filter_configurations(&policy).expect("configurations");
        configurations.insert("guard", guard_configuration(&policy).expect("a configuration"));
        let start = |name: &&'static str| Filter::start(name, configurations[name].to_string());
        Self { filters: RefCell::new(names.iter().map(start).collect()) }
    }

    /// The verdict on the vector's last request.
    ///
    /// # Panics
    /// When the vector is no good, or a VM dies of it.
    pub fn judge(&self, vector: &Vector) -> Verdict {
        let now = now();
        let requests = vector.materialise(Keys::shared(), now, BASE_URL, now);
        for filter in self.filters.borrow_mut().iter_mut() {
            filter.reply = vector.reply(Keys::shared(), now, BASE_URL, now);
        }
        let mut verdict = Verdict::Accept;
        for request in &requests {
            verdict = self.judge_request(&vector.name, request);
        }
        verdict
    }

    fn judge_request(&self, name: &str, request: &Request) -> Verdict {
        let stream = MemoryStream::from(exchange(request));
        for filter in self.filters.borrow_mut().iter_mut() {
            filter.judge(name, &stream);
            if let Some(answer) = &stream.0.borrow().answer {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                assert!(!body.contains(&answer.details), "{name}: the reason is shown outside");
                return Verdict::Refuse { code: answer.details.clone(), status: answer.status };
            }
        }
        Verdict::Accept
    }
}

impl Filter {
    fn start(name: &'static str, configuration: String) -> Self {
        let (engine, compiled) = compiled(name);
        let module = engine.load(&compiled).expect("a module of this engine");
        let host = MemoryHost {
            now: Duration::from_secs(now()),
            upstreams: BTreeSet::from([CALLOUT_CLUSTER.as_bytes().to_vec()]),
            ..MemoryHost::default()
        };
        let mut vm = Vm::new(&engine, &module, host, VmOptions::default()).expect("a VM");
        let options = PluginOptions {
            name: name.into(),
            configuration: configuration.into_bytes(),
            ..PluginOptions::default()
        };
        let plugin = vm.start_plugin(options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut filter = Self { name, vm, plugin, reply: None };
        filter.vm.on_tick(plugin).unwrap_or_else(|error| panic!("{name}: {error}"));
        filter.answer_calls();
        filter
    }

    /// Headers, then the whole body, as a proxy does that holds both until the filter has judged.
    fn judge(&mut self, name: &str, stream: &MemoryStream) {
        self.vm.host_mut().now = Duration::from_secs(now());
        let ended = |error| -> ! { panic!("{name}: {}: {error}", self.name) };
        let body = stream.0.borrow().bodies[0].as_ref().map(Vec::len);
        let fields = stream.0.borrow().maps[0].as_ref().map_or(0, Vec::len);
        let id = self.vm.create_stream(self.plugin, stream.clone()).unwrap_or_else(|error| ended(error));
        let mut action =
            self.vm.on_request_headers(id, fields, body.is_none()).unwrap_or_else(|error| ended(error));
        let answered = || stream.0.borrow().answer.is_some();
        if let Some(size) = body
            && !answered()
        {
            action = self.vm.on_request_body(id, size, true).unwrap_or_else(|error| ended(error));
        }
        if action == Action::Pause && !answered() {
            self.vm.on_tick(self.plugin).unwrap_or_else(|error| ended(error));
            self.answer_calls();
            let resumed = stream.0.borrow_mut().resumed.pop();
            assert!(
                answered() || resumed == Some(Direction::Request),
                "{name}: {} holds the request for ever:\n{}",
                self.name,
                self.vm.host_mut().logged(LogLevel::Info)
            );
        }
        self.vm.end_stream(id).unwrap_or_else(|error| panic!("{name}: {}: {error}", self.name));
    }

    /// The upstream of the callouts has the issuer's keys, and says of tokens what the vector says.
    fn answer_calls(&mut self) {
        for call in std::mem::take(&mut self.vm.host_mut().calls) {
            let is_question = call.headers.contains(&(b":path".to_vec(), INTROSPECTION_PATH.into()));
            let reply = self.reply.clone().filter(|_| is_question).unwrap_or_else(|| Reply {
                status: 200,
                headers: vec![("content-type".into(), b"application/json".to_vec())],
                body: token::jwks().into_bytes(),
            });
            let mut headers = vec![(b":status".to_vec(), reply.status.to_string().into_bytes())];
            headers.extend(reply.headers.into_iter().map(|(name, value)| (name.into_bytes(), value)));
            let response = HttpCallResponse { headers, body: reply.body, trailers: Vec::new() };
            let taken = self.vm.on_http_call_response(call.id, response);
            taken.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        }
    }
}

/// Two plugins of the endpoint filter in one VM, each with a public host of its own. Which of their
/// requests pass: of a stream that began before the second plugin was there, then of the first and the
/// second plugin to the first and the second host.
///
/// # Panics
/// When the filter is not built, or a VM dies of it.
pub fn two_plugins_in_one_vm() -> (bool, [[bool; 2]; 2]) {
    let hosts = ["first.example", "second.example"];
    let options = |host: &str| PluginOptions {
        name: "endpoint-filter".into(),
        configuration: format!(
            r#"{{"hosts":["{host}"],"endpoints":[{{"path":"/samlsso","methods":["GET"]}}]}}"#
        )
        .into_bytes(),
        ..PluginOptions::default()
    };
    let (engine, compiled) = compiled("endpoint-filter");
    let module = engine.load(&compiled).expect("a module of this engine");
    let mut vm = Vm::new(&engine, &module, MemoryHost::default(), VmOptions::default()).expect("a VM");
    let stream = |host: &str| {
        let request = Request {
            method: "GET".into(),
            target: b"/samlsso".to_vec(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let mut exchange = exchange(&request);
        if let Some(pairs) = &mut exchange.maps[0] {
            pairs[0].1 = host.as_bytes().to_vec();
        }
        MemoryStream::from(exchange)
    };
    let first = vm.start_plugin(options(hosts[0])).expect("a plugin");
    let early = stream(hosts[0]);
    let early_id = vm.create_stream(first, early.clone()).expect("a stream");
    let second = vm.start_plugin(options(hosts[1])).expect("another plugin");
    // All of them begin before the first is judged.
    let streams = [first, second].map(|plugin| {
        hosts.map(|host| {
            let stream = stream(host);
            (vm.create_stream(plugin, stream.clone()).expect("a stream"), stream)
        })
    });
    let mut passes = |id, stream: &MemoryStream| {
        let action = vm.on_request_headers(id, 7, true).expect("a verdict");
        let passes = stream.0.borrow().answer.is_none();
        assert_eq!(action == Action::Continue, passes);
        vm.end_stream(id).expect("an end");
        passes
    };
    let early = passes(early_id, &early);
    (early, streams.map(|of_plugin| of_plugin.map(|(id, stream)| passes(id, &stream))))
}

/// The request as a proxy shows it: pseudo headers, no Host, nothing that is for one hop alone.
fn exchange(request: &Request) -> Exchange {
    let authority = BASE_URL.trim_start_matches("https://");
    let request = wire::complete(request, authority);
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or_else(Vec::new, |(_, value)| value.clone());
    let mut pairs = vec![
        (b":authority".to_vec(), host),
        (b":path".to_vec(), request.target.clone()),
        (b":method".to_vec(), request.method.clone().into_bytes()),
        (b":scheme".to_vec(), b"https".to_vec()),
    ];
    // What Envoy adds before its filters.
    let added =
        [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https"), ("x-request-id", "a-request")];
    let shown = |name: &str| !["host", "connection"].iter().any(|hidden| name.eq_ignore_ascii_case(hidden));
    let headers = request.headers.iter().filter(|(name, _)| shown(name));
    pairs.extend(headers.map(|(name, value)| (name.to_ascii_lowercase().into_bytes(), value.clone())));
    pairs.extend(added.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())));
    let body = match request.header("transfer-encoding") {
        // The vector has the chunks; a filter sees what is in them.
        Some(_) => wire::read(&mut wire::request(&request, authority).as_slice(), wire::Kind::Request)
            .expect("chunks")
            .map(|message| message.body),
        None => Some(request.body.clone()),
    };
    let body = body.filter(|body| !body.is_empty());
    let properties = BTreeMap::from([(b"source\0address".to_vec(), b"192.0.2.7:50000".to_vec())]);
    Exchange {
        maps: [Some(pairs), None, None, None],
        bodies: [body, None],
        properties,
        ..Exchange::default()
    }
}

/// Compiled once for all tests of the program: it takes seconds.
fn compiled(name: &'static str) -> (Engine, CompiledModule) {
    static COMPILED: OnceLock<(Engine, Mutex<BTreeMap<&'static str, CompiledModule>>)> = OnceLock::new();
    let (engine, modules) = COMPILED.get_or_init(|| (Engine::new().expect("an engine"), Mutex::default()));
    let mut modules = modules.lock().expect("no test died here");
    let module = modules.entry(name).or_insert_with(|| {
        let wasm = fs::read(tools::filter(name)).expect("a built filter");
        engine.compile(name, &wasm).unwrap_or_else(|error| panic!("{error}"))
    });
    (engine.clone(), module.clone())
}
