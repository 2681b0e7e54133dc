//! What a guest may not do while it runs.

use crate::answers;
use crate::bindings::postern::idp::kernel;
use crate::bindings::postern::idp::types::{Algorithm, Response};

/// Commits the crime of that name; None when there is none.
pub(crate) fn commit(name: &str) -> Option<Response> {
    match name {
        "trap" => core::arch::wasm32::unreachable(),
        "out-of-bounds" => out_of_bounds(),
        "spin" => spin(),
        "spin-in-imports" => spin_in_imports(),
        "allocate" => allocate(),
        "recurse" => Some(answers::text(&recurse(1).to_string())),
        "panic" => panic!("on purpose"),
        "log-flood" => log_flood(),
        "random-huge" => Some(answers::bytes(kernel::random(u32::MAX))),
        "random-most" => Some(answers::text(&kernel::random(1_024).len().to_string())),
        "many-calls" => many_calls(),
        "sign-without-key" => Some(answers::bytes(kernel::sign(Algorithm::Rs256, b"x").bytes)),
        "wait" => wait(),
        "put-too-large" => put_too_large(),
        "audit-forged" => audit_forged(),
        _ => None,
    }
}

fn out_of_bounds() -> Option<Response> {
    let far = core::hint::black_box(0xffff_fff0_usize) as *const u8;
    // SAFETY: there is none; the engine has to notice.
    let byte = unsafe { far.read_volatile() };
    Some(answers::text(&byte.to_string()))
}

fn spin() -> ! {
    let mut count = 0_u64;
    loop {
        count = core::hint::black_box(count.wrapping_add(1));
    }
}

/// Most of the time passes in the host.
fn spin_in_imports() -> ! {
    let message = vec![0; 100_000];
    loop {
        core::hint::black_box(kernel::verify(kernel::PeerAlgorithm::Rs256, &message, &message, &message));
    }
}

fn allocate() -> ! {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(vec![1; 1 << 20]);
        core::hint::black_box(&kept);
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let padding = core::hint::black_box([depth; 64]);
    if depth == 0 { 0 } else { recurse(depth.wrapping_add(1)).wrapping_add(padding[1]) }
}

fn log_flood() -> Option<Response> {
    let line = "flood\r\n".repeat(1_000);
    for _ in 0..10_000 {
        kernel::log(kernel::Level::Warn, &line);
    }
    Some(answers::text("flooded"))
}

fn many_calls() -> Option<Response> {
    for number in 0..1_000 {
        kernel::remember(&number.to_string(), u64::MAX);
    }
    Some(answers::text("called"))
}

/// The test's store takes its time for this one.
fn wait() -> Option<Response> {
    kernel::find_relying_party("slow");
    Some(answers::text("waited"))
}

fn put_too_large() -> Option<Response> {
    kernel::put("key", &vec![0; 65_537], None, u64::MAX);
    Some(answers::text("put"))
}

fn audit_forged() -> Option<Response> {
    kernel::audit("token.issued", "x\nforged=1", None, &[]);
    Some(answers::text("forged"))
}
