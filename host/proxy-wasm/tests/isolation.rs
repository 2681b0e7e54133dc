//! What a plugin can't do: to other streams, to the proxy, to its successor.

mod guest;
#[path = "guest/run.rs"]
mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use guest::Guest;
use postern_proxy_wasm::memory::MemoryHost;
use postern_proxy_wasm::{Action, BackOff, CallError, Cause, Limits};
use run::{Run, death, request, run, run_on, run_with};

/// A trap for the request with a body, a held request without one.
fn fragile(end: &str) -> Guest {
    Guest::default()
        .on_result("proxy_on_configure", 2, "(call $say 'configured') (i32.const 1)")
        .on_result("proxy_on_request_headers", 3, &format!("(if (local.get $2) (then {end})) (i32.const 1)"))
        .on("proxy_on_tick", 1, "(call $say 'tick')")
}

#[test]
fn a_trap_is_one_failed_request() {
    let mut run = run(&fragile("(unreachable)"));
    let held = run.begin(&request());
    assert_eq!(run.vm.on_request_headers(held, 7, false).unwrap(), Action::Pause);
    let idle = run.begin(&request());
    let bad = run.begin(&request());
    let death = death(run.vm.on_request_headers(bad, 7, true));
    assert_eq!(death.paused, [held]);
    assert!(matches!(death.cause, Cause::Trap(_)), "{death}");
    assert!(
        death
            .to_string()
            .starts_with("guest: trap: wasm `unreachable` instruction executed in proxy_on_request_headers"),
        "{death}"
    );
    // Nothing of the old instance can be called, and it is too early for another one.
    for stream in [held, idle, bad] {
        assert!(matches!(run.vm.on_request_body(stream, 0, true), Err(CallError::Lost { .. })));
        assert!(run.vm.stream_mut(stream).is_some());
        run.vm.end_stream(stream).unwrap();
        assert!(run.vm.stream_mut(stream).is_none());
    }
    run.said();
    assert!(matches!(run.vm.create_stream(run.plugin, request()), Err(CallError::Down { .. })));
    assert!(matches!(run.vm.on_tick(run.plugin), Err(CallError::Down { .. })));
    assert!(run.said().is_empty());
    // A tick brings it back, configured.
    run.wait(Duration::from_millis(100));
    run.vm.on_tick(run.plugin).unwrap();
    assert_eq!(run.said(), ["configured", "tick"]);
    let next = run.begin(&request());
    assert!(next > bad);
    assert_eq!(run.vm.on_request_headers(next, 7, false).unwrap(), Action::Pause);
}

#[test]
fn deaths_in_a_row_are_met_with_patience() {
    let back_off = BackOff { first: Duration::from_secs(1), most: Duration::from_secs(4) };
    let mut run = run_with(&fragile("(unreachable)"), Limits { back_off, ..Limits::default() });
    for pause in [1, 2, 4, 4] {
        let stream = run.begin(&request());
        death(run.vm.on_request_headers(stream, 7, true));
        match run.vm.create_stream(run.plugin, request()) {
            Err(CallError::Down { remaining, reason, .. }) => {
                assert_eq!(remaining, Duration::from_secs(pause));
                assert!(reason.contains("unreachable"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        run.wait(Duration::from_secs(pause));
    }
    // One that lived long has earned a quick return.
    let stream = run.begin(&request());
    run.wait(Duration::from_secs(5));
    death(run.vm.on_request_headers(stream, 7, true));
    run.wait(Duration::from_secs(1));
    run.begin(&request());
}

#[test]
fn shared_data_survives_and_globals_do_not() {
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            "(call $number 'global' (global.get $held))
             (call $value 'shared' (call $get_shared 'key' (i32.const 0) (i32.const 4) (i32.const 8)))
             (global.set $held (i32.const 7))
             (drop (call $set_shared 'key' 'kept' (i32.const 0)))
             (if (local.get $2) (then (unreachable)))
             (i32.const 0)",
        )
        .with_global("held");
    let mut run = run(&guest);
    let stream = run.begin(&request());
    death(run.vm.on_request_headers(stream, 7, true));
    assert_eq!(run.said(), ["global=0", "shared=1:"]);
    run.wait(Duration::from_secs(1));
    let stream = run.begin(&request());
    assert_eq!(run.vm.on_request_headers(stream, 7, false).unwrap(), Action::Continue);
    assert_eq!(run.said(), ["global=0", "shared=0:kept"]);
}

#[test]
fn a_spinning_guest_is_ended() {
    let mut run = run(&fragile("(loop $for_ever (br $for_ever))"));
    let (ticker, stop) = (run.engine.ticker(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let thread = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) && ticker.tick() {
            thread::sleep(Duration::from_millis(2));
        }
    });
    let stream = run.begin(&request());
    let death = death(run.vm.on_request_headers(stream, 7, true));
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    assert_eq!(death.cause, Cause::Time);
    run.wait(Duration::from_secs(1));
    let stream = run.begin(&request());
    assert_eq!(run.vm.on_request_headers(stream, 7, false).unwrap(), Action::Pause);
}

#[test]
fn a_ticker_does_not_keep_the_engine() {
    let run = run(&fragile("(unreachable)"));
    let ticker = run.engine.ticker();
    assert!(ticker.tick());
    drop(run);
    assert!(!ticker.tick());
}

#[test]
fn memory_is_bounded() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let mut run = run_with(
        &fragile(
            "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)",
        ),
        limits.clone(),
    );
    let stream = run.begin(&request());
    let memory = death(run.vm.on_request_headers(stream, 7, true));
    assert!(matches!(memory.cause, Cause::Memory(_)), "{memory}");
    // Infinite recursion is a trap, too.
    let guest = fragile("(drop (call $down (i32.const 0)))")
        .on_result("recursion", 1, "(i32.add (call $down (local.get $0)) (i32.const 1))")
        .with_alias("down", "recursion");
    let mut run = run_with(&guest, limits);
    let stream = run.begin(&request());
    let stack = death(run.vm.on_request_headers(stream, 7, true));
    assert!(stack.to_string().contains("stack"), "{stack}");
}

#[test]
fn an_exit_is_a_death() {
    let mut run = run(&fragile("(call $proc_exit (i32.const 3))"));
    let stream = run.begin(&request());
    assert_eq!(death(run.vm.on_request_headers(stream, 7, true)).cause, Cause::Exit(3));
}

#[test]
fn a_death_at_the_end_ends_the_stream() {
    let guest = Guest::default().on("proxy_on_log", 1, "(unreachable)");
    let mut run = run(&guest);
    let stream = run.begin(&request());
    assert_eq!(death(run.vm.end_stream(stream)).callback, "proxy_on_log");
    assert!(run.vm.stream_mut(stream).is_none());
}

#[test]
fn a_death_at_the_start_is_tried_again() {
    let guest = Guest::default().on_result("proxy_on_configure", 2, "(unreachable)");
    let (engine, module) = run::load(&guest).unwrap();
    let host = MemoryHost::default();
    let mut vm = postern_proxy_wasm::Vm::new(&engine, &module, host, Default::default()).unwrap();
    assert_eq!(death(vm.start_plugin(run::plugin_options())).callback, "proxy_on_configure");
    assert!(matches!(vm.start_plugin(run::plugin_options()), Err(CallError::Down { .. })));
}

/// A body callback reads the headers of its own stream, or none.
#[test]
fn a_stream_sees_itself_alone() {
    let guest = Guest::default().on_result("proxy_on_request_headers", 3, "(i32.const 1)").on_result(
        "proxy_on_request_body",
        3,
        "(call $value 'own' (call $get_header (i32.const 0) 'x-who' (i32.const 0) (i32.const 4)))
             (call $value 'body' (call $get_buffer (i32.const 0) (i32.const 0) (i32.const 99)
               (i32.const 0) (i32.const 4)))
             (i32.const 0)",
    );
    let mut run = run(&guest);
    let streams = ["anna", "bert"].map(|who| {
        let stream = request();
        {
            let mut exchange = stream.0.borrow_mut();
            exchange.maps[0] = Some(vec![(b"x-who".to_vec(), who.as_bytes().to_vec())]);
            exchange.bodies[0] = Some(format!("of {who}").into_bytes());
        }
        let id = run.begin(&stream);
        let _ = run.vm.on_request_headers(id, 1, false).unwrap();
        id
    });
    for (id, who) in streams.into_iter().zip(["anna", "bert"]).rev() {
        let _ = run.vm.on_request_body(id, 7, true).unwrap();
        assert_eq!(run.said(), [format!("own=0:{who}"), format!("body=0:of {who}")]);
    }
}

fn small() -> Limits {
    Limits {
        log_line: 8,
        header: 10,
        headers: 25,
        body: 8,
        local_response_body: 4,
        property: 12,
        calls: 1,
        call_body: 4,
        call_response: 10,
        name: 6,
        shared_value: 4,
        definitions: 2,
        streams: 2,
        ..Limits::default()
    }
}

#[test]
fn what_a_plugin_writes_is_bounded() {
    let guest = Guest::default().on_result(
        "proxy_on_request_headers",
        3,
        "(call $number 'a' (call $add_header (i32.const 0) 'x-one' '123456'))
         (call $number 'b' (call $add_header (i32.const 0) 'x-one' '12345'))
         (call $number 'c' (call $add_header (i32.const 0) 'x-one' '12345'))
         (call $number 'd' (call $add_header (i32.const 0) 'x-one' '12345'))
         (call $number 'e' (call $set_property 'a.name' 'a value'))
         (call $number 'f' (call $set_shared 'key' '12345' (i32.const 0)))
         (call $number 'g' (call $set_shared 'longkey' '1' (i32.const 0)))
         (call $number 'h' (call $define_metric (i32.const 0) 'one' (i32.const 8)))
         (call $number 'i' (call $register_queue 'one' (i32.const 8)))
         (call $number 'j' (call $define_metric (i32.const 1) 'one' (i32.const 8)))
         (call $number 'k' (call $define_metric (i32.const 0) 'one' (i32.const 8)))
         (call $number 'l' (call $send_local_response (i32.const 403) '' '12345' '' (i32.const -1)))
         (call $say 'a line that is too long')
         (i32.const 0)",
    );
    let mut run = run_with(&guest, small());
    let expected = [
        "a=10", "b=0", "c=0", "d=10", "e=10", "f=10", "g=2", "h=0", "i=0", "j=10", "k=0", "l=10", "a line t",
    ];
    assert_eq!(run.headers(&request()), expected);
    let (_one, _two) = (run.begin(&request()), run.begin(&request()));
    assert!(matches!(run.vm.create_stream(run.plugin, request()), Err(CallError::TooManyStreams { .. })));
}

/// `:method`, `:path` and `:authority`, as the ABI writes them.
const HEADERS: &str = "\u{3}\\0\\0\\0\u{7}\\0\\0\\0\u{3}\\0\\0\\0\u{5}\\0\\0\\0\u{1}\\0\\0\\0\u{a}\\0\\0\\0\\0\\0\\0\\0\
                       :method\\0GET\\0:path\\0/\\0:authority\\0\\0";

#[test]
fn callouts_are_bounded() {
    let call = |body: &str| {
        format!(
            "(call $number 'call' (call $http_call 'lan' '{HEADERS}' '{body}' '' (i32.const 1) (i32.const 8)))"
        )
    };
    let guest = Guest::default()
        .on_result(
            "proxy_on_request_headers",
            3,
            &format!("{}{}{} (i32.const 0)", call("12345"), call("1234"), call("1234")),
        )
        .on(
            "proxy_on_http_call_response",
            5,
            "(call $number 'headers' (local.get $2)) (call $number 'body' (local.get $3))",
        );
    let host = MemoryHost { upstreams: [b"lan".to_vec()].into(), ..MemoryHost::default() };
    let mut run: Run = run_on(&guest, Limits { headers: 100, log_line: 100, ..small() }, host);
    assert_eq!(run.headers(&request()), ["call=10", "call=0", "call=10"]);
    let call = run.vm.host_mut().calls.pop().unwrap();
    let large = postern_proxy_wasm::HttpCallResponse {
        headers: vec![(b":status".to_vec(), b"200".to_vec())],
        body: vec![b'x'; 8],
        trailers: Vec::new(),
    };
    run.vm.on_http_call_response(call.id, large).unwrap();
    assert_eq!(run.said(), ["headers=0", "body=0"]);
}

#[test]
fn callouts_of_the_dead_are_cancelled() {
    let guest = Guest::default().on_result(
        "proxy_on_request_headers",
        3,
        &format!(
            "(drop (call $http_call 'lan' '{HEADERS}' '' '' (i32.const 1) (i32.const 8)))
             (if (local.get $2) (then (unreachable))) (i32.const 1)"
        ),
    );
    let host = MemoryHost { upstreams: [b"lan".to_vec()].into(), ..MemoryHost::default() };
    let mut run = run_on(&guest, Limits::default(), host);
    let stream = run.begin(&request());
    let _ = run.vm.on_request_headers(stream, 7, false).unwrap();
    let id = run.vm.host_mut().calls[0].id;
    let bad = run.begin(&request());
    assert_eq!(death(run.vm.on_request_headers(bad, 7, true)).paused, [stream]);
    assert!(run.vm.host_mut().calls.is_empty());
    // An answer that comes all the same is nobody's.
    run.vm.on_http_call_response(id, postern_proxy_wasm::HttpCallResponse::failed()).unwrap();
}
