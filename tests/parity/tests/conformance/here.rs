//! A case in our own host.
#![allow(unreachable_pub, reason = "a part of one test program")]

use std::collections::BTreeMap;
use std::time::Duration;

use postern_end_to_end::upstream::BODY;
use postern_parity::now;
use postern_proxy_wasm::memory::{Exchange, MemoryHost, MemoryStream};
use postern_proxy_wasm::{
    Action, Body, Engine, HeaderMap, HttpCallResponse, PluginId, PluginOptions, StreamId, Vm, VmOptions,
};

use super::cases::Case;

/// What `/callout` is answered with, here and by the upstream behind Envoy.
pub const CALLED: &str = "\"called\"";

/// Behind the body of a request that has trailers.
pub const REQUEST_TRAILER: (&str, &str) = ("x-request-end", "over");
/// Behind that of its response.
pub const RESPONSE_TRAILER: (&str, &str) = ("x-response-end", "and out");

/// What the guest says, then what the client gets, each line once.
pub fn observe(case: &Case) -> Vec<String> {
    let engine = Engine::new().expect("an engine");
    let compiled = engine.compile(case.name, &case.guest.module()).unwrap_or_else(|error| panic!("{error}"));
    let module = engine.load(&compiled).expect("a module");
    let host = MemoryHost {
        now: Duration::from_secs(now()),
        upstreams: [b"upstream".to_vec(), b"away".to_vec()].into(),
        ..MemoryHost::default()
    };
    let options =
        VmOptions { id: case.name.into(), configuration: b"the VM's".to_vec(), ..VmOptions::default() };
    let mut vm = Vm::new(&engine, &module, host, options).expect("a VM");
    let options = PluginOptions {
        name: case.name.into(),
        root_id: case.name.into(),
        configuration: b"the plugin's".to_vec(),
    };
    let plugin = vm.start_plugin(options).unwrap_or_else(|error| panic!("{error}"));
    if vm.host_mut().ticks.contains_key(&plugin) {
        vm.on_tick(plugin).expect("a tick");
    }
    let answer = Proxy { vm: &mut vm, plugin }.request(case);
    let mut lines: Vec<String> = Vec::new();
    for line in &vm.host_mut().log {
        if !lines.contains(&line.message) {
            lines.push(line.message.clone());
        }
    }
    if case.order_differs {
        lines.sort();
    }
    lines.push(answer);
    lines
}

/// Drives the VM as a proxy does that ends a request, or asks its upstream.
struct Proxy<'a> {
    vm: &'a mut Vm<MemoryHost>,
    plugin: PluginId,
}

impl Proxy<'_> {
    /// What the client gets.
    fn request(&mut self, case: &Case) -> String {
        let stream = MemoryStream::from(exchange(case));
        let id = self.vm.create_stream(self.plugin, stream.clone()).expect("a stream");
        let answered = || stream.0.borrow().answer.is_some();
        let mut action = self.vm.on_request_headers(id, 7, case.body.is_none()).expect("a verdict");
        if let Some(body) = case.body
            && !answered()
        {
            stream.0.borrow_mut().bodies[Body::Request as usize] = Some(body.into());
            action = self.vm.on_request_body(id, body.len(), !case.trailers).expect("a verdict");
        }
        if case.trailers {
            set(&stream, HeaderMap::RequestTrailers, &[REQUEST_TRAILER]);
            action = self.vm.on_request_trailers(id, 1).expect("a verdict");
        }
        for call in std::mem::take(&mut self.vm.host_mut().calls) {
            let response = if call.upstream == b"away" {
                HttpCallResponse::failed()
            } else {
                HttpCallResponse {
                    headers: vec![(b":status".to_vec(), b"200".to_vec())],
                    body: CALLED.into(),
                    trailers: Vec::new(),
                }
            };
            self.vm.on_http_call_response(call.id, response).expect("a call");
        }
        // An item that was put into a queue: whoever registered it is told.
        if self.vm.host_mut().queues.borrow().has_items() {
            let queue = self.vm.host_mut().queues.borrow_mut().register(b"queue").expect("a queue");
            self.vm.on_queue_ready(self.plugin, queue).expect("a queue");
        }
        if !stream.0.borrow().closed.is_empty() {
            self.vm.end_stream(id).expect("an end");
            return "client: nothing".into();
        }
        let resumed = !stream.0.borrow().resumed.is_empty();
        assert!(action == Action::Continue || answered() || resumed, "{}: held for ever", case.name);
        self.respond(id, &stream, case.trailers);
        self.vm.end_stream(id).expect("an end");
        client(&stream.0.borrow())
    }

    fn respond(&mut self, id: StreamId, stream: &MemoryStream, trailers: bool) {
        let body = {
            let mut exchange = stream.0.borrow_mut();
            let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
            let (pairs, body) = match &exchange.answer {
                Some(answer) => {
                    let mut pairs = vec![pair(":status", &answer.status.to_string())];
                    pairs.extend(answer.headers.iter().cloned());
                    (pairs, answer.body.clone())
                }
                None => (
                    vec![pair(":status", "200"), pair("content-type", "text/plain")],
                    BODY.as_bytes().to_vec(),
                ),
            };
            exchange.maps[HeaderMap::ResponseHeaders as usize] = Some(pairs);
            exchange.bodies[Body::Response as usize] = Some(body.clone());
            body
        };
        let action = self.vm.on_response_headers(id, 2, body.is_empty()).expect("a verdict");
        assert_eq!(action, Action::Continue);
        let action = self.vm.on_response_body(id, body.len(), !trailers).expect("a verdict");
        assert_eq!(action, Action::Continue);
        if trailers {
            set(stream, HeaderMap::ResponseTrailers, &[RESPONSE_TRAILER]);
            let action = self.vm.on_response_trailers(id, 1).expect("a verdict");
            assert_eq!(action, Action::Continue);
        }
    }
}

fn set(stream: &MemoryStream, map: HeaderMap, pairs: &[(&str, &str)]) {
    let pair = |(name, value): &(&str, &str)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    stream.0.borrow_mut().maps[map as usize] = Some(pairs.iter().map(pair).collect());
}

fn exchange(case: &Case) -> Exchange {
    let method = if case.body.is_some() { "POST" } else { "GET" };
    let request = Exchange::request(&[
        (":authority", "sso.example.com"),
        (":path", "/path?query"),
        (":method", method),
        (":scheme", "http"),
        ("x-one", "1"),
        ("x-two", "a"),
        ("x-two", "b"),
    ]);
    let properties = [("request\0method", method), ("request\0path", "/path?query")];
    let properties: BTreeMap<_, _> =
        properties.into_iter().map(|(path, value)| (path.into(), value.into())).collect();
    Exchange { properties, ..request }
}

fn client(exchange: &Exchange) -> String {
    let field = |name| exchange.field(HeaderMap::ResponseHeaders, name).unwrap_or_default();
    let body = exchange.bodies[Body::Response as usize].clone().unwrap_or_default();
    format!("client: {} {} {}", field(":status"), field("x-guest"), String::from_utf8_lossy(&body).trim_end())
}
