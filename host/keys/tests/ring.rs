//! The key ring over a real SQLite store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::keys::{
    ContentCipher, EncryptedContent, KeyRing as _, KeyTransport, PeerAlgorithm, SigningAlgorithm,
    decryption_name, signing_name,
};
use postern_kernel::store::{Store, StoredKey};
use postern_keys::{KeyRingError, MasterKey, SealedKeyRing};
use postern_store::SqliteStore;

const ALGORITHMS: [SigningAlgorithm; 3] =
    [SigningAlgorithm::Rs256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];

/// 2026-01-01.
const START: u64 = 1_767_225_600;

/// Goes one second on with each question.
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Scene {
    store: Arc<SqliteStore>,
    clock: Arc<Ticking>,
    master: MasterKey,
    files: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&files.path().join("state.db")).unwrap());
        let master = MasterKey::create_file(&files.path().join("master.key")).unwrap();
        Self { store, clock: Arc::new(Ticking(AtomicU64::new(START))), master, files }
    }

    async fn ring(&self) -> SealedKeyRing {
        self.try_ring(&self.master).await.unwrap()
    }

    async fn try_ring(&self, master: &MasterKey) -> Result<SealedKeyRing, KeyRingError> {
        let origin = "https://sso.example.com";
        SealedKeyRing::open(self.store.clone(), self.clock.clone(), master, origin).await
    }
}

fn peer(algorithm: SigningAlgorithm) -> PeerAlgorithm {
    match algorithm {
        SigningAlgorithm::Rs256 => PeerAlgorithm::Rs256,
        SigningAlgorithm::Es256 => PeerAlgorithm::Es256,
        SigningAlgorithm::EdDsa => PeerAlgorithm::EdDsa,
    }
}

#[tokio::test]
async fn what_is_signed_verifies_under_the_published_key() {
    let scene = Scene::new();
    let ring = scene.ring().await;
    ring.provide("oidc", &ALGORITHMS).await.unwrap();
    let published = ring.published("oidc");
    assert_eq!(published.len(), 3);
    for algorithm in ALGORITHMS {
        let signature = ring.sign("oidc", algorithm, b"message").unwrap();
        let key = published.iter().find(|key| key.algorithm == algorithm).unwrap();
        assert_eq!(signature.key_id, key.key_id);
        assert_eq!(key.key_id.len(), 43);
        assert!(ring.verify(peer(algorithm), &key.spki, b"message", &signature.bytes));
    }
    assert!(ring.sign("saml2", SigningAlgorithm::Rs256, b"message").is_err(), "no key of another module");
    assert!(ring.published("saml2").is_empty());
    assert_eq!(ring.modules(), ["oidc"]);
}

#[tokio::test]
async fn keys_survive_a_restart_and_are_not_made_again() {
    let scene = Scene::new();
    let before = scene.ring().await;
    before.provide("saml2", &ALGORITHMS).await.unwrap();
    let after = scene.ring().await;
    after.provide("saml2", &ALGORITHMS).await.unwrap();
    assert_eq!(before.published("saml2"), after.published("saml2"));
    assert_eq!(before.mac("a", b"m"), after.mac("a", b"m"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_nodes_that_begin_at_once_both_have_the_same_keys() {
    let scene = Scene::new();
    let other = SqliteStore::open(&scene.files.path().join("state.db")).unwrap();
    let origin = "https://sso.example.com";
    let other = SealedKeyRing::open(Arc::new(other), scene.clock.clone(), &scene.master, origin);
    let (first, second) = tokio::join!(scene.ring(), other);
    let second = second.unwrap();
    let (one, two) = tokio::join!(first.provide("oidc", &ALGORITHMS), second.provide("oidc", &ALGORITHMS));
    one.unwrap();
    two.unwrap();
    assert_eq!(first.published("oidc").len(), 3);
    assert_eq!(first.published("oidc"), second.published("oidc"));
    assert_eq!(first.mac("a", b"m"), second.mac("a", b"m"));
}

#[tokio::test]
async fn a_rotation_signs_with_the_new_key_and_publishes_the_old_one() {
    let scene = Scene::new();
    let (ring, other_node) = (scene.ring().await, scene.ring().await);
    let algorithms = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];
    ring.provide("oidc", &algorithms).await.unwrap();
    other_node.reload().await.unwrap();
    let old = ring.sign("oidc", SigningAlgorithm::Es256, b"message").unwrap();
    let untouched = ring.sign("oidc", SigningAlgorithm::EdDsa, b"message").unwrap().key_id;

    let made = ring.rotate("oidc", Some(SigningAlgorithm::Es256)).await.unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(ring.sign("oidc", SigningAlgorithm::Es256, b"message").unwrap().key_id, made[0]);
    assert_eq!(ring.sign("oidc", SigningAlgorithm::EdDsa, b"message").unwrap().key_id, untouched);
    let published = ring.published("oidc");
    assert_eq!(published.iter().map(|key| key.active).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(published[2].key_id, old.key_id);
    assert!(ring.verify(PeerAlgorithm::Es256, &published[2].spki, b"message", &old.bytes));

    assert_eq!(other_node.sign("oidc", SigningAlgorithm::Es256, b"message").unwrap().key_id, old.key_id);
    other_node.reload().await.unwrap();
    assert_eq!(other_node.published("oidc"), published);

    assert_eq!(ring.rotate("oidc", None).await.unwrap().len(), 2);
    assert_eq!(ring.published("oidc").len(), 5);
    assert_eq!(ring.remove_retired_before(Timestamp(START)).await.unwrap(), 0);
    assert_eq!(ring.remove_retired_before(Timestamp(START + 1_000)).await.unwrap(), 3);
    assert_eq!(ring.published("oidc").iter().filter(|key| key.active).count(), 2);
    assert_eq!(ring.published("oidc").len(), 2);
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_says_so() {
    let scene = Scene::new();
    scene.ring().await.provide("oidc", &[SigningAlgorithm::EdDsa]).await.unwrap();
    let other = MasterKey::create_file(&scene.files.path().join("other.key")).unwrap();
    let refused = scene.try_ring(&other).await.err().unwrap();
    assert!(matches!(refused, KeyRingError::Mismatch(_)));
    assert!(refused.to_string().starts_with("keys.master.mismatch"), "{refused}");
}

#[tokio::test]
async fn no_private_key_lies_in_the_database_in_the_clear() {
    let scene = Scene::new();
    scene.ring().await.provide("oidc", &ALGORITHMS).await.unwrap();
    let mut database = Vec::new();
    for name in ["state.db", "state.db-wal"] {
        database.extend(std::fs::read(scene.files.path().join(name)).unwrap());
    }
    // The end of the AlgorithmIdentifier, followed in a public key by a BIT STRING (03) and in
    // PKCS#8 by an OCTET STRING (04).
    for identifier in ["2a864886f70d0101010500", "2a8648ce3d030107", "06032b6570"] {
        let identifier: Vec<u8> = (0..identifier.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&identifier[i..i + 2], 16).unwrap())
            .collect();
        let holds = |tag: u8| {
            let sought = [identifier.as_slice(), &[tag]].concat();
            database.windows(sought.len()).any(|window| window == sought)
        };
        assert!(holds(0x03), "the public key is there");
        assert!(!holds(0x04), "a private key in the clear");
    }
}

#[tokio::test]
async fn a_key_that_somebody_put_into_the_database_is_refused() {
    let scene = Scene::new();
    scene.ring().await.provide("oidc", &[SigningAlgorithm::Es256, SigningAlgorithm::EdDsa]).await.unwrap();
    let stored = scene.store.keys().await.unwrap();
    let of = |algorithm: &str| stored.iter().find(|key| key.algorithm == algorithm).unwrap().clone();
    let (es256, eddsa) = (of("ES256"), of("EdDSA"));
    let tampered: [(&str, StoredKey); 5] = [
        ("module", StoredKey { module: "saml2".into(), ..es256.clone() }),
        ("algorithm", StoredKey { module: "x".into(), algorithm: "EdDSA".into(), ..es256.clone() }),
        ("public key", StoredKey { module: "y".into(), spki: eddsa.spki.clone(), ..es256.clone() }),
        (
            "certificate",
            StoredKey { module: "z".into(), certificate: eddsa.certificate.clone(), ..es256.clone() },
        ),
        ("private key", StoredKey { module: "w".into(), sealed: eddsa.sealed.clone(), ..es256.clone() }),
    ];
    for (what, key) in tampered {
        // A store of its own for each.
        let files = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&files.path().join("state.db")).unwrap());
        store.add_key(&key).await.unwrap();
        let secret = scene.store.installation_value("keys.secret").await.unwrap().unwrap();
        store.set_installation_value("keys.secret", &secret).await.unwrap();
        let opened =
            SealedKeyRing::open(store, scene.clock.clone(), &scene.master, "https://sso.example.com").await;
        assert!(opened.is_err(), "{what}");
    }
}

#[tokio::test]
async fn a_public_half_that_is_not_its_own_is_refused() {
    let scene = Scene::new();
    scene.ring().await.provide("oidc", &[SigningAlgorithm::Es256, SigningAlgorithm::EdDsa]).await.unwrap();
    let stored = scene.store.keys().await.unwrap();
    let files = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&files.path().join("state.db")).unwrap());
    let secret = scene.store.installation_value("keys.secret").await.unwrap().unwrap();
    store.set_installation_value("keys.secret", &secret).await.unwrap();
    store.add_key(&StoredKey { spki: stored[1].spki.clone(), ..stored[0].clone() }).await.unwrap();
    let opened =
        SealedKeyRing::open(store, scene.clock.clone(), &scene.master, "https://sso.example.com").await;
    assert!(matches!(opened, Err(KeyRingError::Inconsistent(_))));
}

#[tokio::test]
async fn a_mac_is_its_purposes_and_messages_alone() {
    let scene = Scene::new();
    let ring = scene.ring().await;
    assert_eq!(ring.mac("a", b"m"), ring.mac("a", b"m"));
    assert_ne!(ring.mac("a", b"m"), ring.mac("b", b"m"));
    assert_ne!(ring.mac("a", b"m"), ring.mac("a", b"n"));
    let other = Scene::new();
    assert_ne!(ring.mac("a", b"m"), other.ring().await.mac("a", b"m"));
}

/// OpenSSL, which is not what made them, reads the certificates.
#[tokio::test]
async fn certificates_are_self_signed_for_ten_years_in_the_name_of_the_host() {
    let scene = Scene::new();
    let ring = scene.ring().await;
    ring.provide("saml2", &ALGORITHMS).await.unwrap();
    for key in ring.published("saml2") {
        let path = scene.files.path().join("certificate.der");
        std::fs::write(&path, &key.certificate).unwrap();
        let pem = openssl(&["x509", "-inform", "DER", "-in", path.to_str().unwrap()]);
        let pem_path = scene.files.path().join("certificate.pem");
        std::fs::write(&pem_path, &pem).unwrap();
        let pem_path = pem_path.to_str().unwrap();
        openssl(&["verify", "-check_ss_sig", "-attime", "1780000000", "-CAfile", pem_path, pem_path]);
        let text = openssl(&["x509", "-in", pem_path, "-noout", "-subject", "-startdate", "-enddate"]);
        let text = text.replace(' ', "");
        assert!(text.contains("subject=CN=sso.example.com\n"), "{text}");
        assert!(text.contains("notBefore=Dec3123:5") && text.contains("2025GMT"), "{text}");
        assert!(text.contains("notAfter=Jan1") && text.contains("2036GMT"), "{text}");
        let public = openssl(&["x509", "-in", pem_path, "-noout", "-pubkey"]);
        let spki_path = scene.files.path().join("spki.der");
        std::fs::write(&spki_path, &key.spki).unwrap();
        let spki = openssl(&["pkey", "-pubin", "-inform", "DER", "-in", spki_path.to_str().unwrap()]);
        assert_eq!(public, spki);
    }
}

fn openssl(arguments: &[&str]) -> String {
    let output = std::process::Command::new("openssl")
        .args(arguments)
        .output()
        .expect("this test needs the openssl command (apt-get install openssl)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// As a peer encrypts: RSA-OAEP around a key of AES-256-GCM.
fn encrypted_for(spki: &[u8], content: &[u8]) -> EncryptedContent {
    let (key, nonce) = ([7; 32], [9; 12]);
    let public = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(spki).unwrap()).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(&OAEP_SHA1_MGF1SHA1, &key, &mut wrapped, None).unwrap().to_vec();
    let mut sealed = content.to_vec();
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap())
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .unwrap();
    EncryptedContent {
        transport: KeyTransport::RsaOaepSha1,
        key: wrapped,
        cipher: ContentCipher::Aes256Gcm,
        content: [nonce.as_slice(), &sealed].concat(),
    }
}

#[tokio::test]
async fn what_is_encrypted_for_a_key_is_opened_with_that_key_alone() {
    let scene = Scene::new();
    let ring = scene.ring().await;
    let (own, other) = (decryption_name("corporate"), decryption_name("other"));
    for name in [&own, &other, &signing_name("corporate")] {
        ring.provide(name, &[SigningAlgorithm::Rs256]).await.unwrap();
    }
    let published = ring.published(&own).remove(0);
    let encrypted = encrypted_for(&published.spki, b"an Assertion");
    assert_eq!(ring.decrypt(&own, &encrypted).unwrap().as_slice(), b"an Assertion");
    assert!(ring.decrypt(&other, &encrypted).is_none(), "another authenticator's key");
    assert!(ring.decrypt(&signing_name("corporate"), &encrypted).is_none(), "keys that sign do not decrypt");
    assert!(ring.sign(&own, SigningAlgorithm::Rs256, b"m").is_err(), "and keys that decrypt do not sign");

    // Each byte counts, and what is too short is no content.
    for (index, part) in [(0, "nonce"), (12, "ciphertext"), (encrypted.content.len() - 1, "tag")] {
        let mut changed = encrypted.clone();
        changed.content[index] ^= 1;
        assert!(ring.decrypt(&own, &changed).is_none(), "{part}");
    }
    let short = EncryptedContent { content: vec![0; 11], ..encrypted.clone() };
    assert!(ring.decrypt(&own, &short).is_none());
    let other_digest = EncryptedContent { transport: KeyTransport::RsaOaepSha256, ..encrypted.clone() };
    assert!(ring.decrypt(&own, &other_digest).is_none());
    let other_length = EncryptedContent { cipher: ContentCipher::Aes128Gcm, ..encrypted.clone() };
    assert!(ring.decrypt(&own, &other_length).is_none());

    // After a rotation, and a restart, what was encrypted for the key before is still opened.
    ring.rotate(&own, None).await.unwrap();
    let after = scene.ring().await;
    assert_ne!(after.published(&own)[0].key_id, published.key_id);
    assert_eq!(after.decrypt(&own, &encrypted).unwrap().as_slice(), b"an Assertion");
}
