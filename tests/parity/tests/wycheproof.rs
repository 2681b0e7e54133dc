//! Wycheproof's vectors in a real Envoy: through its `verify_signature`, and through RustCrypto in
//! the sandbox of its VM.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::process::free_port;
use postern_end_to_end::tools;
use postern_signature::Algorithm;
use serde_json::json;
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// Lines of one request.
const BATCH: usize = 150;

fn line(
    algorithm: Algorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
    result: TestResult,
) -> Option<String> {
    let encode = |bytes: &[u8]| if bytes.is_empty() { "-".to_owned() } else { URL_SAFE_NO_PAD.encode(bytes) };
    let verdict = match result {
        TestResult::Valid => "valid",
        TestResult::Invalid => "invalid",
        // May fail or pass.
        TestResult::Acceptable => return None,
    };
    let (key, message, signature) = (encode(key), encode(message), encode(signature));
    Some(format!("{algorithm} {key} {message} {signature} {verdict}\n"))
}

/// The lines of the sets that the modules' enumerations name.
macro_rules! lines {
    ($module:ident, $($name:ident => $algorithm:ident),+) => {{
        let mut lines = Vec::new();
        $(
            let set = $module::TestSet::load($module::TestName::$name).expect("a set of vectors");
            for group in set.test_groups {
                for test in group.tests {
                    lines.extend(line(Algorithm::$algorithm, &group.der, &test.msg, &test.sig, test.result));
                }
            }
        )+
        lines
    }};
}

fn vectors() -> Vec<String> {
    let mut all = lines!(rsa_pkcs1_verify,
        Rsa2048Sha256 => Rs256, Rsa3072Sha256 => Rs256, Rsa4096Sha256 => Rs256,
        Rsa2048Sha384 => Rs384, Rsa3072Sha384 => Rs384, Rsa4096Sha384 => Rs384,
        Rsa2048Sha512 => Rs512, Rsa3072Sha512 => Rs512, Rsa4096Sha512 => Rs512);
    all.extend(lines!(rsa_pss_verify,
        RsaPss2048Sha256Mgf1SaltLen32 => Ps256, RsaPss3072Sha256Mgf1SaltLen32 => Ps256,
        RsaPss4096Sha256Mgf1SaltLen32 => Ps256));
    all.extend(lines!(ecdsa, EcdsaSecp256r1Sha256P1363 => Es256, EcdsaSecp384r1Sha384P1363 => Es384));
    all.extend(lines!(eddsa, Ed25519 => EdDsa));
    all
}

/// Envoy with the filter alone; what passes it is answered with 200.
fn start(native: bool, folder: &std::path::Path) -> Envoy {
    let port = free_port();
    let module = tools::existing(
        tools::target().join("postern/guests/verifying-filter.wasm"),
        "cargo xtask build --only filters",
    );
    let wasm = json!({
        "name": "verifying",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "verifying",
                "root_id": "verifying",
                "allow_on_headers_stop_iteration": true,
                "vm_config": {
                    "vm_id": "verifying",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": module } }
                },
                "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": json!({ "native": native }).to_string() }
            }
        }
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "verifying",
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
            { "match": { "prefix": "/" }, "direct_response": { "status": 200 } }
        ] }] },
        "http_filters": [wasm, router]
    });
    let configuration = json!({ "static_resources": { "listeners": [{
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
        "per_connection_buffer_limit_bytes": 1_048_576,
        "filter_chains": [{ "filters": [
            { "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }
        ] }]
    }] } });
    Envoy::start(folder, &configuration.to_string(), port, folder.join("access.log"))
}

fn status(envoy: &Envoy, batch: &str) -> u16 {
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{batch}",
        batch.len()
    );
    Origin::plain(envoy.port).exchange(request.as_bytes()).expect("an answer").status
}

fn judge(native: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let envoy = start(native, folder.path());
    let vectors = vectors();
    let (valid, invalid): (Vec<_>, Vec<_>) = vectors.iter().partition(|line| line.ends_with(" valid\n"));
    assert!(valid.len() > 500 && invalid.len() > 1_700, "{} {}", valid.len(), invalid.len());
    for batch in vectors.chunks(BATCH) {
        assert_eq!(status(&envoy, &batch.concat()), 200, "native: {native}\n{}", envoy.process.log());
    }
    // That a difference is seen.
    let lie = valid[0].replace(" valid", " invalid");
    assert_ne!(status(&envoy, &lie), 200, "native: {native}");
}

#[test]
fn through_verify_signature() {
    judge(true);
}

#[test]
fn in_the_sandbox() {
    judge(false);
}
