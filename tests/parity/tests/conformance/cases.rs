//! The guests.
#![allow(unreachable_pub, reason = "a part of one test program")]

use super::guest::Guest;

/// A guest, and a request that it sees.
pub struct Case {
    /// Its name, the plugin's too.
    pub name: &'static str,
    /// What it says is what is compared.
    pub guest: Guest,
    /// The request's body; none for GET.
    pub body: Option<&'static str>,
    /// Whether request and response have trailers.
    pub trailers: bool,
    /// What our host says, and what Envoy says instead.
    pub differs: &'static [(&'static str, &'static str)],
    /// The lines are the same, their order is not.
    pub order_differs: bool,
}

fn case(name: &'static str, guest: Guest) -> Case {
    Case { name, guest, body: None, trailers: false, differs: &[], order_differs: false }
}

/// In the callback of the request's headers.
fn request(name: &'static str, body: &str) -> Case {
    case(name, Guest::default().on_result("proxy_on_request_headers", 3, &format!("{body} (i32.const 0)")))
}

fn pairs(pairs: &[(&str, &str)]) -> String {
    let mut bytes = Vec::new();
    bytes.extend((pairs.len() as u32).to_le_bytes());
    for (name, value) in pairs {
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
    }
    for (name, value) in pairs {
        bytes.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    String::from_utf8(bytes).expect("short texts").replace('\0', "\\0")
}

pub fn cases() -> Vec<Case> {
    vec![
        life(),
        configuration(),
        log(),
        request_headers(),
        request_headers_too_late(),
        response_headers(),
        whole_maps(),
        request_body(),
        response_body(),
        trailers(),
        held_body(),
        properties(),
        local_response(),
        local_response_from_body(),
        shared_data(),
        queues(),
        metrics(),
        tick(),
        callout(),
        callouts_that_are_refused(),
        callout_that_fails(),
        close(),
        queue_ready(),
        foreign_functions(),
        wasi(),
        contexts(),
        pointers(),
    ]
}

fn life() -> Case {
    let guest = Guest::default()
        .on_result("proxy_on_vm_start", 2, "(call $say 'vm start') (i32.const 1)")
        .on_result("proxy_on_request_headers", 3, "(call $number 'headers' (local.get $2)) (i32.const 0)")
        .on_result(
            "proxy_on_request_body",
            3,
            "(if (local.get $1) (then (call $number 'body' (local.get $1)))) (i32.const 0)",
        )
        .on_result("proxy_on_response_headers", 3, "(call $number 'answer' (local.get $2)) (i32.const 0)")
        .on_result("proxy_on_done", 1, "(call $say 'done') (i32.const 1)")
        .on("proxy_on_log", 1, "(call $say 'log')")
        .on("proxy_on_delete", 1, "(call $say 'delete')");
    // Envoy logs before it is done.
    Case { body: Some("12345"), order_differs: true, ..case("life", guest) }
}

fn configuration() -> Case {
    let read = |buffer: u32| {
        format!(
            "(call $number 'size' (local.get $1))
             (call $value 'bytes' (call $get_buffer (i32.const {buffer}) (i32.const 0) (i32.const 100)
               (i32.const 0) (i32.const 4)))
             (call $value 'part' (call $get_buffer (i32.const {buffer}) (i32.const 1) (i32.const 5)
               (i32.const 0) (i32.const 4)))
             (i32.const 1)"
        )
    };
    let guest = Guest::default()
        .on_result("proxy_on_vm_start", 2, &read(6))
        .on_result("proxy_on_configure", 2, &read(7))
        .on_result(
            "proxy_on_request_headers",
            3,
            "(call $value 'too late' (call $get_buffer (i32.const 7) (i32.const 0) (i32.const 100)
               (i32.const 0) (i32.const 4)))
             (i32.const 0)",
        );
    case("configuration", guest)
}

fn log() -> Case {
    request(
        "log",
        "(call $number 'no level' (call $log (i32.const 6) (i32.const 0) (i32.const 1)))
         (call $number 'level' (call $get_log_level (i32.const 8)))
         (call $number 'time' (call $get_current_time (i32.const 8)))
         (call $number 'after 2020' (i64.gt_u (i64.load (i32.const 8)) (i64.const 1577836800000000000)))",
    )
}

fn get(map: u32, name: &str) -> String {
    format!(
        "(call $value '{name}' (call $get_header (i32.const {map}) '{name}' (i32.const 0) (i32.const 4)))"
    )
}

fn edits(map: u32) -> String {
    [
        get(map, "x-two"),
        get(map, "x-none"),
        format!(
            "(call $number 'replace' (call $replace_header (i32.const {map}) 'x-two' 'c'))
             (call $number 'new' (call $replace_header (i32.const {map}) 'x-new' 'n'))
             (call $number 'add' (call $add_header (i32.const {map}) 'X-Three' '3'))
             (call $number 'add again' (call $add_header (i32.const {map}) 'x-three' '4'))
             (call $number 'remove' (call $remove_header (i32.const {map}) 'X-One'))
             (call $number 'nothing' (call $remove_header (i32.const {map}) 'x-none'))
             (call $number 'empty' (call $add_header (i32.const {map}) 'x-empty' ''))
             (call $number 'size' (call $get_map_size (i32.const {map}) (i32.const 8)))"
        ),
        get(map, "x-one"),
        get(map, "x-two"),
        get(map, "X-NEW"),
        get(map, "x-three"),
        get(map, "x-empty"),
    ]
    .concat()
}

fn request_headers() -> Case {
    request(
        "request-headers",
        &format!(
            "{}{}{}{}
             (call $number 'no such map' (call $add_header (i32.const 8) 'x' '3'))
             (call $number 'no response' (call $add_header (i32.const 2) 'x' '3'))
             (call $number 'no trailers' (call $add_header (i32.const 1) 'x' '3'))
             (call $value 'no pairs' (call $get_pairs (i32.const 2) (i32.const 0) (i32.const 4)))
             (call $value 'no call' (call $get_header (i32.const 6) 'x' (i32.const 0) (i32.const 4)))",
            get(0, ":method"),
            get(0, ":path"),
            get(0, ":scheme"),
            edits(0)
        ),
    )
}

fn request_headers_too_late() -> Case {
    let write = "(call $number 'write' (call $add_header (i32.const 0) 'x' 'y'))
                 (call $value 'read' (call $get_header (i32.const 0) ':path' (i32.const 0) (i32.const 4)))";
    let guest = Guest::default()
        .on_result("proxy_on_request_headers", 3, "(i32.const 0)")
        .on_result("proxy_on_request_body", 3, &format!("{write} (i32.const 0)"))
        .on_result("proxy_on_response_headers", 3, &format!("{write} (i32.const 0)"))
        .on("proxy_on_log", 1, write);
    Case { body: Some("12345"), ..case("request-headers-too-late", guest) }
}

fn response_headers() -> Case {
    let body = format!("{}{}{} (i32.const 0)", get(2, ":status"), get(2, "content-type"), edits(2));
    case("response-headers", Guest::default().on_result("proxy_on_response_headers", 3, &body))
}

fn whole_maps() -> Case {
    let set = pairs(&[(":status", "200"), ("x-guest", "set")]);
    let guest = Guest::default().on_result(
        "proxy_on_response_headers",
        3,
        &format!(
            "(call $number 'set' (call $set_pairs (i32.const 2) '{set}')) {} {}
                 (call $number 'elsewhere' (call $set_pairs (i32.const 0) '{set}'))
                 (i32.const 0)",
            get(2, "content-type"),
            get(2, "x-guest")
        ),
    );
    case("whole-maps", guest)
}

fn buffer(buffer: u32, start: u32, size: u32) -> String {
    format!(
        "(call $value 'get {start} {size}' (call $get_buffer (i32.const {buffer}) (i32.const {start})
           (i32.const {size}) (i32.const 0) (i32.const 4)))"
    )
}

fn replace(buffer: u32, start: i32, size: i32, with: &str) -> String {
    format!(
        "(call $number 'set {start} {size}' (call $set_buffer (i32.const {buffer}) (i32.const {start})
           (i32.const {size}) '{with}'))"
    )
}

fn request_body() -> Case {
    let body = [
        buffer(0, 0, 100),
        buffer(0, 2, 2),
        buffer(0, 5, 9),
        buffer(0, 6, 1),
        buffer(0, 1, u32::MAX),
        buffer(9, 0, 1),
        replace(0, 0, 0, "<"),
        replace(0, -1, 0, ">"),
        buffer(0, 0, 100),
        replace(0, 0, 100, "whole"),
        buffer(0, 0, 100),
        "(call $number 'status' (call $get_buffer_status (i32.const 0) (i32.const 8) (i32.const 12)))
         (call $number 'size' (i32.load (i32.const 8)))"
            .into(),
    ]
    .concat();
    // Envoy calls once more for the end, without a byte.
    let body = format!("(if (local.get $1) (then {body})) (i32.const 0)");
    let guest = Guest::default().on_result("proxy_on_request_body", 3, &body);
    // The specification refuses what begins beyond the end.
    Case { body: Some("abcde"), differs: &[("get 6 1=2:", "get 6 1=0:")], ..case("request-body", guest) }
}

fn response_body() -> Case {
    let body = [buffer(1, 0, 7), replace(1, 0, 0, "first "), buffer(1, 0, 13)].concat();
    let guest = Guest::default()
        // What is known of its length is not true any longer.
        .on_result(
            "proxy_on_response_headers",
            3,
            "(call $number 'length' (call $remove_header (i32.const 2) 'content-length')) (i32.const 0)",
        )
        .on_result("proxy_on_response_body", 3, &format!("(if (local.get $1) (then {body})) (i32.const 0)"));
    case("response-body", guest)
}

fn trailers() -> Case {
    let seen = |map: u32, name: &str| {
        format!(
            "(call $number 'trailers' (local.get $1)) {} (call $number 'add' (call $add_header (i32.const {map})
               'x-added' 'a')) {} {} (i32.const 0)",
            get(map, name),
            get(map, "x-added"),
            get(map, "x-none"),
        )
    };
    let guest = Guest::default()
        .on_result("proxy_on_request_trailers", 2, &seen(1, "x-request-end"))
        .on_result("proxy_on_response_trailers", 2, &seen(3, "x-response-end"));
    Case { body: Some("12345"), trailers: true, ..case("trailers", guest) }
}

/// Headers are held, the body is judged, and the headers can still be written.
fn held_body() -> Case {
    let guest = Guest::default().on_result("proxy_on_request_headers", 3, "(i32.const 1)").on_result(
        "proxy_on_request_body",
        3,
        &format!(
            "(if (local.get $2) (then {} {} {}))
                 (i32.eqz (local.get $2))",
            buffer(0, 0, 100),
            "(call $number 'write' (call $add_header (i32.const 0) 'x-judged' 'yes'))",
            get(0, "x-judged")
        ),
    );
    Case { body: Some("a judged body"), ..case("held-body", guest) }
}

fn properties() -> Case {
    let get =
        |path: &str| format!("(call $value 'get' (call $get_property '{path}' (i32.const 0) (i32.const 4)))");
    request(
        "properties",
        &[
            get("request\\0method"),
            get("request\\0path"),
            get("plugin_name"),
            get("plugin_root_id"),
            get("plugin_vm_id"),
            get("no\\0such"),
            get("filter_state\\0wasm.postern.note"),
            "(call $number 'set' (call $set_property 'postern.note' 'kept'))
             (call $number 'again' (call $set_property 'postern.note' 'changed'))
             (call $number 'empty' (call $set_property 'postern.empty' ''))"
                .into(),
            get("filter_state\\0wasm.postern.note"),
            get("filter_state\\0wasm.postern.empty"),
        ]
        .concat(),
    )
}

fn local_response() -> Case {
    let headers = pairs(&[("x-guest", "refused")]);
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            &format!(
                "(call $number 'sent' (call $send_local_response (i32.const 403) 'a.reason' 'no' '{headers}'
                   (i32.const -1)))
                 (i32.const 0)"
            ),
        )
        .on_result("proxy_on_request_body", 3, "(call $say 'a body') (i32.const 0)")
        .on_result(
            "proxy_on_response_headers",
            3,
            &format!("{} {} (i32.const 0)", get(2, ":status"), get(2, "x-guest")),
        );
    case("local-response", guest)
}

fn local_response_from_body() -> Case {
    let guest = Guest::default().on_result("proxy_on_request_headers", 3, "(i32.const 1)").on_result(
        "proxy_on_request_body",
        3,
        "(if (local.get $2) (then
               (call $number 'sent' (call $send_local_response (i32.const 400) 'a.reason' 'bad' ''
                 (i32.const -1)))))
             (i32.const 1)",
    );
    Case { body: Some("a bad body"), ..case("local-response-from-body", guest) }
}

fn shared_data() -> Case {
    request(
        "shared-data",
        "(call $value 'none' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))
         (call $number 'set' (call $set_shared 'key' 'one' (i32.const 0)))
         (call $value 'get' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))
         (call $number 'has a version' (i32.ne (i32.load (i32.const 8)) (i32.const 0)))
         (call $number 'stale' (call $set_shared 'key' 'two' (i32.add (i32.load (i32.const 8)) (i32.const 77))))
         (call $number 'fresh' (call $set_shared 'key' 'two' (i32.load (i32.const 8))))
         (call $number 'used up' (call $set_shared 'key' 'three' (i32.load (i32.const 8))))
         (call $value 'get' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))
         (call $number 'new with a version' (call $set_shared 'other' 'x' (i32.const -1)))
         (call $number 'empty' (call $set_shared 'key' '' (i32.const 0)))
         (call $value 'get' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))",
    )
}

fn queues() -> Case {
    request(
        "queues",
        "(call $number 'register' (call $register_queue 'queue' (i32.const 8)))
         (call $number 'again' (call $register_queue 'queue' (i32.const 12)))
         (call $number 'same' (i32.eq (i32.load (i32.const 8)) (i32.load (i32.const 12))))
         (call $number 'resolve' (call $resolve_queue 'queues' 'queue' (i32.const 12)))
         (call $number 'same' (i32.eq (i32.load (i32.const 8)) (i32.load (i32.const 12))))
         (call $number 'unknown' (call $resolve_queue 'queues' 'none' (i32.const 12)))
         (call $value 'empty' (call $dequeue (i32.load (i32.const 8)) (i32.const 0) (i32.const 4)))
         (call $number 'enqueue' (call $enqueue (i32.load (i32.const 8)) 'item'))
         (call $number 'enqueue' (call $enqueue (i32.load (i32.const 8)) 'next'))
         (call $value 'dequeue' (call $dequeue (i32.load (i32.const 8)) (i32.const 0) (i32.const 4)))
         (call $value 'dequeue' (call $dequeue (i32.load (i32.const 8)) (i32.const 0) (i32.const 4)))
         (call $value 'empty' (call $dequeue (i32.load (i32.const 8)) (i32.const 0) (i32.const 4)))
         (call $number 'absent' (call $enqueue (i32.const 7777) 'item'))
         (call $value 'absent' (call $dequeue (i32.const 7777) (i32.const 0) (i32.const 4)))",
    )
}

fn metrics() -> Case {
    let metric = |kind: u32, name: &str| {
        format!(
            "(call $number 'define' (call $define_metric (i32.const {kind}) '{name}' (i32.const 8)))
             (call $number 'up' (call $increment_metric (i32.load (i32.const 8)) (i64.const 3)))
             (call $number 'down' (call $increment_metric (i32.load (i32.const 8)) (i64.const -1)))
             (call $number 'record' (call $record_metric (i32.load (i32.const 8)) (i64.const 9)))
             (i32.store (i32.const 16) (i32.const 0))
             (call $number 'read' (call $get_metric (i32.load (i32.const 8)) (i32.const 16)))
             (call $number 'value' (i32.load (i32.const 16)))"
        )
    };
    request(
        "metrics",
        &format!(
            "{}{}{}
             (call $number 'no kind' (call $define_metric (i32.const 3) 'x' (i32.const 8)))
             (call $number 'no metric' (call $record_metric (i32.const 4000) (i64.const 3)))
             (call $number 'no metric' (call $increment_metric (i32.const 4000) (i64.const 3)))
             (call $number 'no metric' (call $get_metric (i32.const 4000) (i32.const 16)))",
            metric(0, "a_counter"),
            metric(1, "a_gauge"),
            metric(2, "a_histogram")
        ),
    )
}

fn tick() -> Case {
    let guest = Guest::default()
        .on_result(
            "proxy_on_configure",
            2,
            "(call $number 'set' (call $set_tick_period (i32.const 20))) (i32.const 1)",
        )
        .on(
            "proxy_on_tick",
            1,
            "(call $say 'tick') (call $number 'no longer' (call $set_tick_period (i32.const 0)))",
        );
    case("tick", guest)
}

fn callout() -> Case {
    let headers = pairs(&[(":method", "GET"), (":path", "/callout"), (":authority", "lan")]);
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            &format!(
                "(global.set $held (local.get $0))
                 (call $number 'call' (call $http_call 'upstream' '{headers}' '' '' (i32.const 5000)
                   (i32.const 8)))
                 (i32.const 1)"
            ),
        )
        .on(
            "proxy_on_http_call_response",
            5,
            &format!(
                "(call $number 'body' (local.get $3))
                 (call $number 'trailers' (local.get $4))
                 {}
                 (call $value 'bytes' (call $get_buffer (i32.const 4) (i32.const 0) (i32.const 99)
                   (i32.const 0) (i32.const 4)))
                 (call $value 'no trailers' (call $get_pairs (i32.const 7) (i32.const 0) (i32.const 4)))
                 (call $number 'read only' (call $add_header (i32.const 6) 'x' 'y'))
                 (call $value 'status' (call $get_status (i32.const 8) (i32.const 0) (i32.const 4)))
                 (call $value 'no stream' (call $get_header (i32.const 0) ':path' (i32.const 0) (i32.const 4)))
                 (call $number 'unknown' (call $set_effective_context (i32.const 7777)))
                 (call $number 'effective' (call $set_effective_context (global.get $held)))
                 {}
                 (call $number 'write' (call $add_header (i32.const 0) 'x-judged' 'yes'))
                 (call $number 'continue' (call $continue_stream (i32.const 0)))
                 (call $number 'too late' (call $add_header (i32.const 0) 'x-judged' 'yes'))",
                get(6, ":status"),
                get(0, ":path"),
            ),
        )
        .with_global("held");
    case("callout", guest)
}

fn callouts_that_are_refused() -> Case {
    let good = pairs(&[(":method", "GET"), (":path", "/callout"), (":authority", "lan")]);
    let short = pairs(&[(":method", "GET"), (":path", "/callout")]);
    let call = |upstream: &str, headers: &str| {
        format!(
            "(call $number 'call' (call $http_call '{upstream}' '{headers}' '' '' (i32.const 5000)
               (i32.const 8)))"
        )
    };
    request(
        "callouts-that-are-refused",
        &[call("nobody", &good), call("upstream", &short), call("", &good)].concat(),
    )
}

/// Nobody listens there.
fn callout_that_fails() -> Case {
    let headers = pairs(&[(":method", "GET"), (":path", "/callout"), (":authority", "lan")]);
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            &format!(
                "(global.set $held (local.get $0))
                 (call $number 'call' (call $http_call 'away' '{headers}' '' '' (i32.const 5000)
                   (i32.const 8)))
                 (i32.const 1)"
            ),
        )
        .on(
            "proxy_on_http_call_response",
            5,
            &format!(
                "(call $number 'has headers' (i32.ne (local.get $2) (i32.const 0)))
                 (call $number 'has a body' (i32.ne (local.get $3) (i32.const 0)))
                 (call $number 'trailers' (local.get $4))
                 {}
                 (call $number 'effective' (call $set_effective_context (global.get $held)))
                 (call $number 'continue' (call $continue_stream (i32.const 0)))",
                get(6, ":status"),
            ),
        )
        .with_global("held");
    // Envoy makes a response up.
    let differs = &[
        ("has headers=0", "has headers=1"),
        ("has a body=0", "has a body=1"),
        (":status=1:", ":status=0:503"),
    ];
    Case { differs, ..case("callout-that-fails", guest) }
}

fn close() -> Case {
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            "(call $number 'close' (call $close_stream (i32.const 0))) (i32.const 1)",
        )
        .on_result("proxy_on_response_headers", 3, "(call $say 'an answer') (i32.const 0)")
        .on_result("proxy_on_done", 1, "(call $say 'done') (i32.const 1)");
    case("close", guest)
}

/// Whoever registered a queue is told of an item, outside of any stream.
fn queue_ready() -> Case {
    let guest = Guest::default()
        .on_result(
            "proxy_on_configure",
            2,
            "(call $number 'register' (call $register_queue 'queue' (i32.const 16))) (i32.const 1)",
        )
        .on_result(
            "proxy_on_request_headers",
            3,
            "(call $number 'enqueue' (call $enqueue (i32.load (i32.const 16)) 'item')) (i32.const 0)",
        )
        .on(
            "proxy_on_queue_ready",
            2,
            "(call $number 'the queue' (i32.eq (local.get $1) (i32.load (i32.const 16))))
             (call $value 'item' (call $dequeue (local.get $1) (i32.const 0) (i32.const 4)))",
        );
    case("queue-ready", guest)
}

fn foreign_functions() -> Case {
    request(
        "foreign-functions",
        "(call $number 'unknown' (call $call_foreign 'no_such_function' 'x' (i32.const 0) (i32.const 4)))
         (call $number 'no key' (call $call_foreign 'verify_signature' '' (i32.const 0) (i32.const 4)))
         (call $number 'an answer' (i32.ne (i32.load (i32.const 4)) (i32.const 0)))
         (i32.store (i32.const 4) (i32.const 0))
         (call $number 'bad key' (call $call_foreign 'verify_signature' '\u{a}\u{6}sha256\u{12}\u{1}k\u{1a}\u{1}s\"\u{1}t'
           (i32.const 0) (i32.const 4)))
         (call $number 'an answer' (i32.ne (i32.load (i32.const 4)) (i32.const 0)))
         (call $number 'no message' (call $call_foreign 'verify_signature' 'abc' (i32.const 0) (i32.const 4)))",
    )
}

fn wasi() -> Case {
    request(
        "wasi",
        "(i32.store (i32.const 64) (i32.const 80)) (i32.store (i32.const 68) (i32.const 3))
         (i32.store (i32.const 80) (i32.const 0x0a6968))
         (call $number 'error' (call $fd_write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 8)))
         (call $number 'written' (i32.load (i32.const 8)))
         (call $number 'file' (call $fd_write (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 8)))
         (call $number 'outside' (call $fd_write (i32.const 1) (i32.const -8) (i32.const 2) (i32.const 8)))
         (call $number 'time' (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8)))
         (call $number 'monotonic' (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 8)))
         (call $number 'cpu' (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 8)))
         (call $number 'random' (call $random_get (i32.const 128) (i32.const 16)))
         (call $number 'differs' (i64.ne (i64.load (i32.const 128)) (i64.load (i32.const 136))))
         (call $number 'arguments' (call $args_sizes_get (i32.const 8) (i32.const 12)))
         (call $number 'count' (i32.load (i32.const 8)))
         (call $number 'environment' (call $environ_sizes_get (i32.const 8) (i32.const 12)))
         (call $number 'count' (i32.load (i32.const 8)))
         (call $number 'get' (call $environ_get (i32.const 8) (i32.const 128)))",
    )
}

fn contexts() -> Case {
    request(
        "contexts",
        "(call $number 'unknown' (call $set_effective_context (i32.const 7777)))
         (call $number 'not over' (call $done))
         (call $number 'own' (call $set_effective_context (local.get $0)))
         (call $number 'no direction' (call $continue_stream (i32.const 9)))
         (call $number 'no direction' (call $close_stream (i32.const 9)))",
    )
}

fn pointers() -> Case {
    request(
        "pointers",
        "(call $number 'log' (call $log (i32.const 3) (i32.const -1) (i32.const 1)))
         (call $number 'log' (call $log (i32.const 3) (i32.const 1) (i32.const -1)))
         (call $number 'level' (call $get_log_level (i32.const 262141)))
         (call $number 'header' (call $get_header (i32.const 0) 'x-two' (i32.const -4) (i32.const 4)))
         (call $number 'name' (call $get_header (i32.const 0) (i32.const 262143) (i32.const 2)
           (i32.const 0) (i32.const 4)))
         (call $number 'pairs' (call $get_pairs (i32.const 0) (i32.const 4) (i32.const -2)))
         (call $number 'set' (call $set_pairs (i32.const 0) (i32.const 262140) (i32.const 8)))
         (call $number 'path' (call $get_property (i32.const -9) (i32.const 12) (i32.const 0) (i32.const 4)))
         (call $number 'value' (call $set_shared 'k' (i32.const 262143) (i32.const 2) (i32.const 0)))
         (call $number 'time' (call $get_current_time (i32.const 262141)))
         (call $number 'random' (call $random_get (i32.const 262141) (i32.const 8)))
         (call $number 'clock' (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 262141)))",
    )
}
