//! What a plugin sees of a proxy, call by call.

mod guest;
#[path = "guest/run.rs"]
mod run;

use std::time::Duration;

use guest::Guest;
use postern_proxy_wasm::memory::{Exchange, MemoryHost, MemoryStream};
use postern_proxy_wasm::{
    Action, Body, CallError, Direction, HeaderMap, HttpCallResponse, Limits, LogLevel, ModuleError, Vm,
    VmOptions,
};
use run::{load, plugin_options, request, run, run_on};

/// Says what it is called with.
fn talkative() -> Guest {
    Guest::default()
        .on("_initialize", 0, "(call $say 'initialize')")
        .on(
            "proxy_on_context_create",
            2,
            "(call $number 'create' (local.get $0)) (call $number 'of' (local.get $1))",
        )
        .on_result("proxy_on_vm_start", 2, "(call $number 'start' (local.get $1)) (i32.const 1)")
        .on_result("proxy_on_configure", 2, "(call $number 'configure' (local.get $1)) (i32.const 1)")
        .on("proxy_on_tick", 1, "(call $number 'tick' (local.get $0))")
        .on_result("proxy_on_request_headers", 3, "(call $number 'headers' (local.get $1)) (local.get $2)")
        .on_result("proxy_on_request_body", 3, "(call $number 'body' (local.get $1)) (i32.const 0)")
        .on_result("proxy_on_request_trailers", 2, "(call $number 'trailers' (local.get $1)) (i32.const 1)")
        .on_result("proxy_on_response_headers", 3, "(call $number 'answer' (local.get $1)) (i32.const 0)")
        .on_result("proxy_on_response_body", 3, "(call $number 'answer body' (local.get $1)) (i32.const 1)")
        .on_result("proxy_on_done", 1, "(call $number 'done' (local.get $0)) (i32.const 1)")
        .on("proxy_on_log", 1, "(call $number 'log' (local.get $0))")
        .on("proxy_on_delete", 1, "(call $number 'delete' (local.get $0))")
}

#[test]
fn a_life() {
    let mut run = run(&talkative());
    assert_eq!(run.said(), ["initialize", "create=1", "of=0", "start=2", "configure=10"]);
    run.vm.on_tick(run.plugin).unwrap();
    let id = run.begin(&request());
    assert_eq!(run.said(), ["tick=1", "create=2", "of=1"]);
    assert_eq!(run.vm.on_request_headers(id, 7, false).unwrap(), Action::Continue);
    assert_eq!(run.vm.on_request_body(id, 30, true).unwrap(), Action::Continue);
    assert_eq!(run.vm.on_request_trailers(id, 1).unwrap(), Action::Pause);
    assert_eq!(run.vm.on_response_headers(id, 2, false).unwrap(), Action::Continue);
    assert_eq!(run.vm.on_response_body(id, 9, true).unwrap(), Action::Pause);
    // It does not export that one: nothing to say about trailers.
    assert_eq!(run.vm.on_response_trailers(id, 1).unwrap(), Action::Continue);
    assert_eq!(run.said(), ["headers=7", "body=30", "trailers=1", "answer=2", "answer body=9"]);
    run.vm.end_stream(id).unwrap();
    assert_eq!(run.said(), ["done=2", "log=2", "delete=2"]);
    // Ending twice is no error, and the stream is gone.
    run.vm.end_stream(id).unwrap();
    assert!(matches!(run.vm.on_request_body(id, 1, true), Err(CallError::Unknown { .. })));
    let second = run.begin(&request());
    assert_eq!(second.context(), 3);
    assert_eq!(run.vm.on_request_headers(second, 7, true).unwrap(), Action::Pause);
}

#[test]
fn a_second_plugin_has_its_own_root() {
    let mut run = run(&talkative());
    run.said();
    let other = run.vm.start_plugin(plugin_options()).unwrap();
    assert_eq!(run.said(), ["create=2", "of=0", "start=2", "configure=10"]);
    let stream = run.vm.create_stream(other, request()).unwrap();
    assert_eq!(run.said(), [format!("create={}", stream.context()), "of=2".into()]);
}

#[test]
fn a_refused_configuration_says_why() {
    let guest = Guest::default().on_result(
        "proxy_on_configure",
        2,
        "(call $say 'the field issuer is missing') (i32.const 0)",
    );
    let (engine, module) = load(&guest).unwrap();
    let mut vm = Vm::new(&engine, &module, MemoryHost::default(), VmOptions::default()).unwrap();
    let refused = vm.start_plugin(plugin_options()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "guest: plugin: refused by proxy_on_configure: the field issuer is missing"
    );
    // The VM lives, and takes a good one.
    assert!(vm.is_running());
}

#[test]
fn configurations_are_read_in_their_callbacks() {
    let read = |buffer: u32| {
        format!(
            "(call $value 'bytes' (call $get_buffer (i32.const {buffer}) (i32.const 0) (i32.const 100)
               (i32.const 0) (i32.const 4))) (i32.const 1)"
        )
    };
    let guest = Guest::default()
        .on_result("proxy_on_vm_start", 2, &read(6))
        .on_result("proxy_on_configure", 2, &read(7))
        .on("proxy_on_tick", 1, &read(7).replace("(i32.const 1)", ""));
    let guest = guest.on_result("proxy_on_request_headers", 3, &read(9));
    let mut run = run(&guest);
    assert_eq!(run.said(), ["bytes=0:vm", "bytes=0:configured"]);
    run.vm.on_tick(run.plugin).unwrap();
    assert_eq!(run.said(), ["bytes=1:"]);
    assert_eq!(run.headers(&request()), ["bytes=2:"]);
}

/// The body of a header callback that does these and lets the request go on.
fn on_headers(body: &str) -> Guest {
    Guest::default().on_result("proxy_on_request_headers", 3, &format!("{body} (i32.const 0)"))
}

#[test]
fn headers_are_read_and_written() {
    let get = |name: &str| {
        format!(
            "(call $value '{name}' (call $get_header (i32.const 0) '{name}' (i32.const 0) (i32.const 4)))"
        )
    };
    let guest = on_headers(&format!(
        "{} {} {}
         (call $number 'size' (call $get_map_size (i32.const 0) (i32.const 8)))
         (call $number 'bytes' (i32.load (i32.const 8)))
         (call $number 'replace' (call $replace_header (i32.const 0) 'x-two' 'c'))
         (call $number 'add' (call $add_header (i32.const 0) 'X-Three' '3'))
         (call $number 'remove' (call $remove_header (i32.const 0) 'x-one'))
         (call $number 'nothing' (call $remove_header (i32.const 0) 'x-none'))
         (call $number 'no such map' (call $add_header (i32.const 9) 'x' '3'))
         (call $number 'not there yet' (call $add_header (i32.const 2) 'x' '3'))",
        get("x-one"),
        get("X-TWO"),
        get("x-none")
    ));
    let stream = request();
    let said = run(&guest).headers(&stream);
    let size: usize = stream.0.borrow().fields(HeaderMap::RequestHeaders).len();
    assert_eq!(
        said,
        [
            "x-one=0:1",
            "X-TWO=0:a",
            "x-none=1:",
            "size=0",
            "bytes=71",
            "replace=0",
            "add=0",
            "remove=0",
            "nothing=0",
            "no such map=2",
            "not there yet=2"
        ]
    );
    let exchange = stream.0.borrow();
    assert_eq!(size, 6);
    assert_eq!(exchange.field(HeaderMap::RequestHeaders, "x-two").as_deref(), Some("c"));
    assert_eq!(exchange.field(HeaderMap::RequestHeaders, "x-three").as_deref(), Some("3"));
    assert_eq!(exchange.field(HeaderMap::RequestHeaders, "x-one"), None);
}

#[test]
fn what_would_split_a_header_is_refused() {
    let guest = on_headers(
        "(call $number 'value' (call $add_header (i32.const 0) 'x' 'a\\r\\nset-cookie: b'))
         (call $number 'nul' (call $add_header (i32.const 0) 'x' 'a\\0b'))
         (call $number 'name' (call $add_header (i32.const 0) 'x: y' 'b'))
         (call $number 'none' (call $add_header (i32.const 0) '' 'b'))
         (call $number 'response' (call $send_local_response (i32.const 200) '' ''
           '\\u{1}\\0\\0\\0\\u{1}\\0\\0\\0\\u{3}\\0\\0\\0x\\0a\\nb\\0' (i32.const -1)))
         (call $number 'status' (call $send_local_response (i32.const 99) '' '' '' (i32.const -1)))"
            .replace("\\u{1}", "\u{1}")
            .replace("\\u{3}", "\u{3}")
            .as_str(),
    );
    let stream = request();
    assert_eq!(
        run(&guest).headers(&stream),
        ["value=2", "nul=2", "name=2", "none=2", "response=2", "status=2"]
    );
    assert_eq!(stream.0.borrow().fields(HeaderMap::RequestHeaders).len(), 7);
    assert_eq!(stream.0.borrow().answer, None);
}

#[test]
fn headers_that_went_on_are_not_written_any_longer() {
    let write = "(call $number 'write' (call $add_header (i32.const 0) 'x' 'y'))";
    let guest = Guest::default()
        .on_result("proxy_on_request_headers", 3, "(local.get $2)")
        .on_result("proxy_on_request_body", 3, &format!("{write} (i32.const 0)"))
        .on(
            "proxy_on_log",
            1,
            &format!(
                "{write} (call $value 'read'
             (call $get_header (i32.const 0) ':path' (i32.const 0) (i32.const 4)))"
            ),
        );
    let mut run = run(&guest);
    for (held, expected) in [(false, "write=2"), (true, "write=0")] {
        let id = run.begin(&request());
        // It returns what it is told of the end: continue or pause.
        let _ = run.vm.on_request_headers(id, 7, held).unwrap();
        let _ = run.vm.on_request_body(id, 0, true).unwrap();
        assert_eq!(run.said(), [expected]);
        run.vm.end_stream(id).unwrap();
        assert_eq!(run.said(), ["write=2", "read=0:/"]);
    }
}

#[test]
fn bodies_are_read_and_written() {
    let get = |start: u32, size: u32| {
        format!(
            "(call $value 'get' (call $get_buffer (i32.const 0) (i32.const {start}) (i32.const {size})
               (i32.const 0) (i32.const 4)))"
        )
    };
    let set = |start: i32, size: i32, with: &str| {
        format!(
            "(call $number 'set' (call $set_buffer (i32.const 0) (i32.const {start}) (i32.const {size}) '{with}'))"
        )
    };
    let body = [
        get(0, 100),
        get(2, 2),
        get(5, 9),
        get(6, 1),
        get(1, u32::MAX),
        set(0, 0, "<"),
        set(-1, 0, ">"),
        set(2, 3, "-"),
        get(0, 100),
        "(call $number 'status' (call $get_buffer_status (i32.const 0) (i32.const 8) (i32.const 12)))
         (call $number 'size' (i32.load (i32.const 8)))
         (call $number 'response' (call $get_buffer_status (i32.const 1) (i32.const 8) (i32.const 12)))"
            .to_owned(),
    ]
    .concat();
    let guest = Guest::default().on_result("proxy_on_request_body", 3, &format!("{body} (i32.const 0)"));
    let stream = request();
    stream.0.borrow_mut().bodies[Body::Request as usize] = Some(b"abcde".to_vec());
    let mut run = run(&guest);
    let id = run.begin(&stream);
    assert_eq!(run.vm.on_request_body(id, 5, true).unwrap(), Action::Continue);
    assert_eq!(
        run.said(),
        [
            "get=0:abcde",
            "get=0:cd",
            "get=0:",
            "get=2:",
            "get=0:bcde",
            "set=0",
            "set=0",
            "set=0",
            "get=0:<a-e>",
            "status=0",
            "size=5",
            "response=1"
        ]
    );
    assert_eq!(stream.0.borrow().bodies[0].as_deref(), Some(&b"<a-e>"[..]));
}

#[test]
fn properties_are_looked_up_and_kept() {
    let get =
        |path: &str| format!("(call $value 'get' (call $get_property '{path}' (i32.const 0) (i32.const 4)))");
    let guest = on_headers(&format!(
        "{}{}{}{}(call $number 'set' (call $set_property 'postern.note' 'kept')){}",
        get("source\\0address"),
        get("plugin_name"),
        get("plugin_vm_id"),
        get("no\\0such"),
        get("filter_state\\0wasm.postern.note"),
    ));
    let stream = request();
    stream.0.borrow_mut().properties.insert(b"source\0address".to_vec(), b"192.0.2.1:80".to_vec());
    assert_eq!(
        run(&guest).headers(&stream),
        ["get=0:192.0.2.1:80", "get=0:plugin", "get=0:the-vm", "get=1:", "set=0", "get=0:kept"]
    );
}

#[test]
fn a_local_response_ends_the_request() {
    let guest = on_headers(
        "(call $number 'sent' (call $send_local_response (i32.const 403) 'a.reason' 'no' '' (i32.const -1)))
         (call $number 'again' (call $send_local_response (i32.const 200) 'other' 'yes' '' (i32.const -1)))",
    );
    let mut run = run(&guest);
    let stream = request();
    let id = run.begin(&stream);
    // It said that the headers may go on.
    assert_eq!(run.vm.on_request_headers(id, 7, false).unwrap(), Action::Pause);
    assert_eq!(run.said(), ["sent=0", "again=0"]);
    let answer = stream.0.borrow().answer.clone().unwrap();
    assert_eq!(
        (answer.status, answer.details.as_str(), answer.body.as_slice()),
        (403, "a.reason", &b"no"[..])
    );
    assert_eq!(run.vm.on_request_body(id, 5, true).unwrap(), Action::Pause);
    assert!(run.said().is_empty());
}

#[test]
fn a_held_request_is_resumed_by_a_callout() {
    // One pair for each of the three that have to be there, as the ABI writes them.
    let pairs = |pairs: &[(&str, &str)]| {
        let mut bytes = Vec::new();
        bytes.extend((pairs.len() as u32).to_le_bytes());
        for (name, value) in pairs {
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend((value.len() as u32).to_le_bytes());
        }
        for (name, value) in pairs {
            bytes.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        String::from_utf8(bytes).unwrap().replace('\0', "\\0")
    };
    let good = pairs(&[(":method", "GET"), (":path", "/keys"), (":authority", "idp")]);
    let short = pairs(&[(":method", "GET"), (":path", "/keys")]);
    let call = |upstream: &str, headers: &str| {
        format!(
            "(call $number 'call' (call $http_call '{upstream}' '{headers}' '' '' (i32.const 5000) (i32.const 8)))"
        )
    };
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            &format!(
                "(global.set $held (local.get $0)) {}{}{} (i32.const 1)",
                call("nobody", &good),
                call("lan", &short),
                call("lan", &good)
            ),
        )
        .on(
            "proxy_on_http_call_response",
            5,
            "(call $number 'context' (local.get $0))
             (call $number 'call' (local.get $1))
             (call $number 'headers' (local.get $2))
             (call $number 'body' (local.get $3))
             (call $value 'status' (call $get_header (i32.const 6) ':status' (i32.const 0) (i32.const 4)))
             (call $value 'bytes' (call $get_buffer (i32.const 4) (i32.const 0) (i32.const 99)
               (i32.const 0) (i32.const 4)))
             (call $number 'unknown' (call $set_effective_context (i32.const 99)))
             (call $number 'effective' (call $set_effective_context (global.get $held)))
             (call $number 'continue' (call $continue_stream (i32.const 0)))",
        );
    let guest = guest.with_global("held");
    let host = MemoryHost { upstreams: [b"lan".to_vec()].into(), ..MemoryHost::default() };
    let mut run = run_on(&guest, Limits::default(), host);
    let stream = request();
    let id = run.begin(&stream);
    assert_eq!(run.vm.on_request_headers(id, 7, true).unwrap(), Action::Pause);
    assert_eq!(run.said(), ["call=2", "call=2", "call=0"]);
    let call = run.vm.host_mut().calls.pop().unwrap();
    assert_eq!((call.upstream.as_slice(), call.timeout), (&b"lan"[..], Duration::from_secs(5)));
    let response = HttpCallResponse {
        headers: vec![(b":status".to_vec(), b"200".to_vec())],
        body: b"the keys".to_vec(),
        trailers: Vec::new(),
    };
    run.vm.on_http_call_response(call.id, response.clone()).unwrap();
    let expected = [
        "context=1",
        "call=2",
        "headers=1",
        "body=8",
        "status=0:200",
        "bytes=0:the keys",
        "unknown=2",
        "effective=0",
        "continue=0",
    ];
    assert_eq!(run.said(), expected);
    assert_eq!(stream.0.borrow().resumed, [Direction::Request]);
    // It came once.
    run.vm.on_http_call_response(call.id, response).unwrap();
    assert!(run.said().is_empty());
}

#[test]
fn a_tick_can_answer_a_held_request() {
    let guest = Guest::default()
        .on_result("proxy_on_request_headers", 3, "(global.set $held (local.get $0)) (i32.const 1)")
        .on(
            "proxy_on_tick",
            1,
            "(drop (call $set_effective_context (global.get $held)))
             (drop (call $send_local_response (i32.const 408) 'late' '' '' (i32.const -1)))",
        )
        .with_global("held");
    let mut run = run(&guest);
    let stream = request();
    let id = run.begin(&stream);
    assert_eq!(run.vm.on_request_headers(id, 7, true).unwrap(), Action::Pause);
    run.vm.on_tick(run.plugin).unwrap();
    assert_eq!(stream.0.borrow().answer.as_ref().map(|answer| answer.status), Some(408));
    run.vm.end_stream(id).unwrap();
    // Nobody is held any longer: the root has nobody to answer.
    run.vm.on_tick(run.plugin).unwrap();
}

#[test]
fn shared_data_queues_and_metrics() {
    let guest = on_headers(
        "(call $value 'none' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))
         (call $number 'set' (call $set_shared 'key' 'one' (i32.const 0)))
         (call $value 'get' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))
         (call $number 'version' (i32.load (i32.const 8)))
         (call $number 'stale' (call $set_shared 'key' 'two' (i32.const 7)))
         (call $number 'fresh' (call $set_shared 'key' 'two' (i32.const 1)))
         (call $number 'new' (call $set_shared 'other' 'x' (i32.const -1)))
         (call $number 'register' (call $register_queue 'queue' (i32.const 8)))
         (call $number 'resolve' (call $resolve_queue 'the-vm' 'queue' (i32.const 12)))
         (call $number 'same' (i32.eq (i32.load (i32.const 8)) (i32.load (i32.const 12))))
         (call $number 'unknown' (call $resolve_queue 'the-vm' 'none' (i32.const 12)))
         (call $number 'enqueue' (call $enqueue (i32.load (i32.const 8)) 'item'))
         (call $value 'dequeue' (call $dequeue (i32.load (i32.const 8)) (i32.const 0) (i32.const 4)))
         (call $value 'empty' (call $dequeue (i32.load (i32.const 8)) (i32.const 0) (i32.const 4)))
         (call $value 'absent' (call $dequeue (i32.const 77) (i32.const 0) (i32.const 4)))
         (call $number 'define' (call $define_metric (i32.const 0) 'refusals' (i32.const 8)))
         (call $number 'up' (call $increment_metric (i32.load (i32.const 8)) (i64.const 3)))
         (call $number 'down' (call $increment_metric (i32.load (i32.const 8)) (i64.const -1)))
         (call $number 'read' (call $get_metric (i32.load (i32.const 8)) (i32.const 16)))
         (call $number 'count' (i32.load (i32.const 16)))
         (call $number 'no kind' (call $define_metric (i32.const 3) 'x' (i32.const 8)))
         (call $number 'no metric' (call $record_metric (i32.const 99) (i64.const 3)))",
    );
    let mut run = run(&guest);
    let said = run.headers(&request());
    assert_eq!(
        said,
        [
            "none=1:",
            "set=0",
            "get=0:one",
            "version=1",
            "stale=8",
            "fresh=0",
            "new=0",
            "register=0",
            "resolve=0",
            "same=1",
            "unknown=1",
            "enqueue=0",
            "dequeue=0:item",
            "empty=7:",
            "absent=1:",
            "define=0",
            "up=0",
            "down=2",
            "read=0",
            "count=3",
            "no kind=2",
            "no metric=1"
        ]
    );
    assert_eq!(run.vm.host_mut().metrics.borrow().named("refusals"), Some(3));
}

#[test]
fn wasi_is_a_log_a_clock_randomness_and_an_environment() {
    let guest = on_headers(
        "(i32.store (i32.const 64) (i32.const 80)) (i32.store (i32.const 68) (i32.const 3))
         (i32.store (i32.const 80) (i32.const 0x0a6968))
         (call $number 'write' (call $fd_write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 8)))
         (call $number 'written' (i32.load (i32.const 8)))
         (call $number 'file' (call $fd_write (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 8)))
         (call $number 'outside' (call $fd_write (i32.const 1) (i32.const -8) (i32.const 2) (i32.const 8)))
         (call $number 'time' (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8)))
         (call $number 'seconds' (i32.wrap_i64 (i64.div_u (i64.load (i32.const 8)) (i64.const 1000000000))))
         (call $number 'cpu' (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 8)))
         (call $number 'random' (call $random_get (i32.const 128) (i32.const 16)))
         (call $number 'not zero' (i64.ne (i64.load (i32.const 128)) (i64.load (i32.const 136))))
         (call $number 'too much' (call $random_get (i32.const 0) (i32.const 100000)))
         (call $number 'arguments' (call $args_sizes_get (i32.const 8) (i32.const 12)))
         (call $number 'count' (i32.load (i32.const 8)))
         (call $number 'environment' (call $environ_sizes_get (i32.const 8) (i32.const 12)))
         (call $number 'size' (i32.load (i32.const 12)))
         (call $number 'get' (call $environ_get (i32.const 8) (i32.const 128)))
         (call $put (i32.const 128) (i32.const 6)) (call $end)",
    );
    let (engine, module) = load(&guest).unwrap();
    let options = VmOptions { environment: vec![("MODE".into(), "x".into())], ..VmOptions::default() };
    let host = MemoryHost { now: Duration::from_secs(1_000), ..MemoryHost::default() };
    let mut vm = Vm::new(&engine, &module, host, options).unwrap();
    let plugin = vm.start_plugin(plugin_options()).unwrap();
    let mut run = run::Run { engine, vm, plugin };
    let id = run.begin(&request());
    let _ = run.vm.on_request_headers(id, 7, true).unwrap();
    let mut lines = run.logged().into_iter();
    assert_eq!(lines.next(), Some((LogLevel::Error, "hi".into())));
    let said: Vec<_> = lines.map(|line| line.1).collect();
    assert_eq!(
        said,
        [
            "write=0",
            "written=3",
            "file=8",
            "outside=21",
            "time=0",
            "seconds=1000",
            "cpu=58",
            "random=0",
            "not zero=1",
            "too much=28",
            "arguments=0",
            "count=0",
            "environment=0",
            "size=7",
            "get=0",
            "MODE=x"
        ]
    );
}

#[test]
fn pointers_out_of_memory_are_refused() {
    let guest = on_headers(
        "(call $number 'log' (call $log (i32.const 2) (i32.const -1) (i32.const 1)))
         (call $number 'long' (call $log (i32.const 2) (i32.const 1) (i32.const -1)))
         (call $number 'level' (call $log (i32.const 6) (i32.const 1) (i32.const 1)))
         (call $number 'result' (call $get_log_level (i32.const 262141)))
         (call $number 'header' (call $get_header (i32.const 0) 'x-one' (i32.const -4) (i32.const 4)))
         (call $number 'pairs' (call $get_pairs (i32.const 0) (i32.const 4) (i32.const -2)))
         (call $number 'set' (call $set_pairs (i32.const 0) (i32.const 262140) (i32.const 8)))
         (call $number 'property' (call $get_property (i32.const -9) (i32.const 12) (i32.const 0) (i32.const 4)))
         (call $number 'shared' (call $set_shared 'k' (i32.const 262143) (i32.const 2) (i32.const 0)))",
    );
    assert_eq!(
        run(&guest).headers(&request()),
        ["log=6", "long=6", "level=2", "result=6", "header=6", "pairs=6", "set=6", "property=6", "shared=6"]
    );
}

#[test]
fn a_plugin_may_take_its_time_to_be_done() {
    let guest = Guest::default()
        .on_result(
            "proxy_on_done",
            1,
            "(call $say 'not yet') (global.set $held (local.get $0)) (i32.const 0)",
        )
        .on(
            "proxy_on_tick",
            1,
            "(drop (call $set_effective_context (global.get $held)))
             (call $number 'done' (call $done))
             (call $number 'again' (call $done))",
        )
        .on(
            "proxy_on_log",
            1,
            "(call $value 'log' (call $get_header (i32.const 0) ':path' (i32.const 0) (i32.const 4)))",
        )
        .on("proxy_on_delete", 1, "(call $number 'delete' (local.get $0))")
        .with_global("held");
    let mut run = run(&guest);
    let stream = request();
    let id = run.begin(&stream);
    run.vm.end_stream(id).unwrap();
    assert_eq!(run.said(), ["not yet"]);
    // The proxy's value is gone, whatever the plugin still does.
    assert_eq!(std::rc::Rc::strong_count(&stream.0), 1);
    assert!(run.vm.stream_mut(id).is_none());
    run.vm.on_tick(run.plugin).unwrap();
    assert_eq!(run.said(), ["done=0", "again=1", "log=2:", "delete=2"]);
    run.vm.on_tick(run.plugin).unwrap();
    assert_eq!(run.said(), ["done=1", "again=1"]);
}

#[test]
fn modules_that_are_no_plugins_are_refused() {
    let refused = |text: &str| {
        let engine = postern_proxy_wasm::Engine::new().unwrap();
        engine.compile("guest", &wat::parse_str(text).unwrap()).map(drop).unwrap_err()
    };
    let abi = r#"(memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))"#;
    assert!(matches!(refused("(module)"), ModuleError::AbiVersion { .. }));
    assert!(matches!(
        refused(r#"(module (memory 1) (func (export "proxy_abi_version_0_2_1")))"#),
        ModuleError::Export { export: "memory", .. }
    ));
    let foreign = refused(&format!(r#"(module (import "env" "system" (func)) {abi})"#));
    assert_eq!(foreign.to_string(), "guest: imports env.system, which this host does not have");
    let file = refused(&format!(r#"(module (import "wasi_snapshot_preview1" "path_open" (func)) {abi})"#));
    assert!(file.to_string().contains("path_open"), "{file}");
    assert!(matches!(
        refused(&format!(r#"(module {abi} (func (export "proxy_on_tick")))"#)),
        ModuleError::Export { export: "proxy_on_tick", .. }
    ));
    let engine = postern_proxy_wasm::Engine::new().unwrap();
    assert!(matches!(engine.compile("guest", b"\0asm"), Err(ModuleError::Compile { .. })));
}

/// A stream that a VM does not have any longer.
#[test]
fn streams_begin_empty() {
    let guest = on_headers(
        "(call $value 'header' (call $get_header (i32.const 0) 'x-one' (i32.const 0) (i32.const 4)))
         (call $value 'pairs' (call $get_pairs (i32.const 2) (i32.const 0) (i32.const 4)))",
    );
    let nothing = MemoryStream::from(Exchange::request(&[]));
    assert_eq!(run(&guest).headers(&nothing), ["header=1:", "pairs=0:"]);
}
