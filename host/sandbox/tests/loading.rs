//! What is not loaded, and why. Needs no built components.

use std::os::unix::fs::PermissionsExt as _;

use postern_kernel::capability::Capability;
use postern_sandbox::{Limits, LoadError, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new(None).unwrap()
}

async fn refused(component: &str) -> LoadError {
    let component = wat::parse_str(component).unwrap();
    let Err(error) = sandbox().load_protocol("test.wasm", component, Limits::default()).await else {
        panic!("loaded");
    };
    error
}

#[tokio::test]
async fn foreign_imports_are_named() {
    let error = refused(
        r#"(component
            (import "wasi:cli/environment@0.2.6" (instance))
            (import "wasi:filesystem/preopens@0.2.6" (instance))
            (import "postern:idp/types@0.1.0" (instance)))"#,
    )
    .await;
    assert_eq!(error.code(), "sandbox.import.foreign");
    assert_eq!(
        error.to_string(),
        "sandbox.import.foreign: imports wasi:cli/environment@0.2.6, wasi:filesystem/preopens@0.2.6"
    );
}

/// A way to sign in must not get the calls that a protocol has, and the other way round.
#[tokio::test]
async fn the_interfaces_of_the_other_world_are_foreign() {
    let accounts = refused(r#"(component (import "postern:idp/accounts@0.1.0" (instance)))"#).await;
    assert_eq!(accounts.to_string(), "sandbox.import.foreign: imports postern:idp/accounts@0.1.0");
    let kernel = wat::parse_str(r#"(component (import "postern:idp/kernel@0.1.0" (instance)))"#).unwrap();
    let loaded = sandbox().load_authenticator("test.wasm", kernel, Limits::default()).await;
    assert_eq!(loaded.err().unwrap().code(), "sandbox.import.foreign");
}

#[tokio::test]
async fn a_component_without_the_exports_is_of_another_world() {
    assert_eq!(refused("(component)").await.code(), "sandbox.world.mismatch");
    let wrong_type = refused(
        r#"(component (import "postern:idp/kernel@0.1.0" (instance (export "no-such-call" (func)))))"#,
    );
    assert_eq!(wrong_type.await.code(), "sandbox.world.mismatch");
}

#[tokio::test]
async fn what_is_no_component_is_malformed() {
    assert_eq!(refused("(module)").await.code(), "sandbox.component.malformed");
    for bytes in [&b""[..], b"\x7fELF", b"not wasm at all"] {
        let loaded = sandbox().load_protocol("test.wasm", bytes.to_vec(), Limits::default()).await;
        assert_eq!(loaded.err().unwrap().code(), "sandbox.component.malformed");
    }
}

/// Compiled code is native code: taken from our own cache only, never from what is handed in.
#[tokio::test]
async fn compiled_code_is_no_component() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let sandbox = Sandbox::new(Some(&cache)).unwrap();
    let component = wat::parse_str("(component)").unwrap();
    let loaded = sandbox.load_protocol("test.wasm", component, Limits::default()).await;
    assert_eq!(loaded.err().unwrap().code(), "sandbox.world.mismatch", "it was compiled nevertheless");
    let compiled = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let compiled = std::fs::read(compiled).unwrap().split_off(32);
    assert!(compiled.starts_with(b"\x7fELF"));
    let loaded = sandbox.load_protocol("test.wasm", compiled, Limits::default()).await;
    assert_eq!(loaded.err().unwrap().code(), "sandbox.component.malformed");
}

#[test]
fn a_cache_that_others_can_enter_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = Sandbox::new(Some(&cache)).err().unwrap().to_string();
    assert!(error.starts_with("sandbox.cache.unsafe: "), "{error}");
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&cache, &link).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    let error = Sandbox::new(Some(&link)).err().unwrap().to_string();
    assert!(error.ends_with("not a directory"), "{error}");
    assert!(Sandbox::new(Some(&cache)).is_ok());
}

#[tokio::test]
async fn more_memory_than_the_engine_has_is_refused() {
    let limits = Limits { memory: Limits::MOST_MEMORY + 1, ..Limits::default() };
    let component = wat::parse_str("(component)").unwrap();
    let loaded = sandbox().load_protocol("test.wasm", component, limits).await;
    assert_eq!(loaded.err().unwrap().code(), "sandbox.limits.too-large");
}

/// What is not granted is not linked: a component that imports it is not loaded.
#[tokio::test]
async fn what_is_not_granted_is_not_linked() {
    let component = wat::parse_str(
        r#"(component
            (import "postern:idp/credentials@0.1.0" (instance))
            (import "postern:idp/system@0.1.0" (instance))
            (import "postern:idp/accounts@0.1.0" (instance)))"#,
    )
    .unwrap();
    let load = async |granted: &[Capability]| {
        let loaded = sandbox().load_granted("test.wasm", component.clone(), Limits::default(), granted).await;
        loaded.err().unwrap().to_string()
    };
    assert_eq!(load(&[]).await, "sandbox.import.ungranted: imports accounts, credentials");
    assert_eq!(load(&[Capability::Accounts]).await, "sandbox.import.ungranted: imports credentials");
    let both = load(&[Capability::Accounts, Capability::Credentials]).await;
    assert!(both.starts_with("sandbox.world.mismatch: does not export"), "{both}");
}

/// The modules inside a component may have a memory each: the limit is for all of them together.
#[tokio::test]
async fn memories_and_tables_are_counted_together() {
    let of = |item: &str| {
        let modules: String = (0..3)
            .map(|number| format!("(core module $m{number} {item}) (core instance (instantiate $m{number}))"))
            .collect();
        format!("(component {modules})")
    };
    // 3 times 6 MiB, and 3 times 10,000 elements.
    let memories = refused(&of("(memory 96)")).await.to_string();
    assert!(memories.contains("asked for 18874368 bytes of memory, 16777216 at most"), "{memories}");
    let tables = refused(&of("(table 10000 funcref)")).await.to_string();
    assert!(tables.contains("asked for 30000 table elements"), "{tables}");
}
