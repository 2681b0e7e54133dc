//! Every component that was built loads: it imports nothing but what its world names, and says of
//! itself what can be used. Needs `cargo xtask build`.

use std::path::{Path, PathBuf};

use postern_kernel::authenticator::AuthenticatorModule as _;
use postern_kernel::module::ProtocolModule as _;
use postern_sandbox::{Limits, Sandbox};

/// The components in the folder, by the names that their files give them.
fn built(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/postern").join(folder);
    let entries = std::fs::read_dir(folder).unwrap_or_else(|_| panic!("run: cargo xtask build"));
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn every_protocol_loads_under_its_name() {
    let sandbox = Sandbox::new(None).unwrap();
    let protocols = built("components");
    for expected in ["oidc", "saml2"] {
        assert!(protocols.iter().any(|(name, _)| name == expected), "run: cargo xtask build");
    }
    for (name, path) in protocols {
        let component = std::fs::read(path).unwrap();
        let loaded = sandbox.load_protocol(&name, component, Limits::default()).await;
        let module = loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(module.description().name, name);
    }
}

#[tokio::test]
async fn every_authenticator_loads_under_its_name() {
    let sandbox = Sandbox::new(None).unwrap();
    let authenticators = built("authenticators");
    assert!(authenticators.iter().any(|(name, _)| name == "password"), "run: cargo xtask build");
    for (name, path) in authenticators {
        let component = std::fs::read(path).unwrap();
        let loaded = sandbox.load_authenticator(&name, component, Limits::default()).await;
        let module = loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(module.description().name, name);
    }
}
