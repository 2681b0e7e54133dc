//! Tickets of a real MIT KDC, as curl sends them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_kerberos::{Accepted, Acceptor, Keytab, KeytabError, Principal};
use postern_spnego::ap_req_of;
use tempfile::TempDir;

const REALM: &str = "EXAMPLE.TEST";
const OTHER: &str = "PARTNER.TEST";
/// Most that curl makes for one token.
const CONNECTIONS: usize = 4;
const PASSWORD: &str = "correct horse battery staple";

/// A KDC of two realms that trust each other, with a person in each.
struct Kdc {
    folder: TempDir,
    process: Child,
}

/// Started by the first test that asks for it.
fn kdc() -> &'static Kdc {
    static KDC: OnceLock<Kdc> = OnceLock::new();
    KDC.get_or_init(Kdc::start)
}

impl Kdc {
    #[allow(clippy::zombie_processes, reason = "it ends with the test program, see `follow`")]
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let port = postern_loopback::free_port().unwrap();
        let realms = |line: &dyn Fn(&str) -> String| format!("[realms]\n{}{}", line(REALM), line(OTHER));
        let client = format!(
            "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
             dns_canonicalize_hostname = false\nrdns = false\nallow_weak_crypto = true\n\
             udp_preference_limit = 1\ndefault_ccache_name = FILE:{at}/ccache\n\
             [domain_realm]\n.partner.test = {OTHER}\n.example.test = {REALM}\n{}",
            realms(&|realm| format!("{realm} = {{\n  kdc = 127.0.0.1:{port}\n}}\n"))
        );
        let own = format!(
            "[kdcdefaults]\nkdc_listen = \"\"\nkdc_tcp_listen = 127.0.0.1:{port}\n{}",
            realms(&|realm| format!(
                "{realm} = {{\n  database_name = {at}/{realm}.db\n  key_stash_file = {at}/{realm}.stash\n  \
                 acl_file = {at}/acl\n  supported_enctypes = aes256-cts:normal aes128-cts:normal arcfour-hmac:normal\n}}\n"
            ))
        );
        fs::write(folder.path().join("krb5.conf"), client).unwrap();
        fs::write(folder.path().join("kdc.conf"), own).unwrap();
        for realm in [REALM, OTHER] {
            run(folder.path(), "/usr/sbin/kdb5_util", &["create", "-s", "-W", "-r", realm, "-P", PASSWORD]);
        }
        let mut command = command(folder.path(), "/usr/sbin/krb5kdc");
        let process = command.args(["-n", "-r", REALM, "-r", OTHER]).stdin(Stdio::null()).spawn().unwrap();
        let kdc = Self { folder, process };
        follow(kdc.process.id());
        for realm in [REALM, OTHER] {
            kdc.admin(realm, &format!("addprinc -pw \"{PASSWORD}\" alice"));
            kdc.admin(realm, &format!("addprinc -pw \"{PASSWORD}\" krbtgt/{OTHER}@{REALM}"));
        }
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return kdc;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the KDC does not listen");
    }

    fn admin(&self, realm: &str, query: &str) {
        let printed = run(self.folder.path(), "/usr/sbin/kadmin.local", &["-r", realm, "-q", query]);
        assert!(!printed.contains("rror"), "{query}: {printed}");
    }

    /// A service with a key of this encryption alone; its keytab.
    fn service(&self, realm: &str, host: &str, encryption: &str) -> PathBuf {
        let keytab = self.folder.path().join(format!("{host}.keytab"));
        self.admin(realm, &format!("addprinc -randkey -e {encryption}:normal HTTP/{host}"));
        self.keep(realm, host, encryption, &keytab);
        keytab
    }

    fn keep(&self, realm: &str, host: &str, encryption: &str, keytab: &Path) {
        self.admin(realm, &format!("ktadd -k {} -e {encryption}:normal HTTP/{host}", keytab.display()));
    }

    /// What curl sends to this host for Alice of the realm, down to the AP-REQ.
    fn ap_req(&self, client: &str, host: &str) -> Vec<u8> {
        // Each call has a cache of its own: tests run beside each other.
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let cache = format!("FILE:{}/ccache", folder.path().display());
        let mut kinit = command(self.folder.path(), "kinit");
        kinit.env("KRB5CCNAME", &cache).arg(client).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut kinit = kinit.spawn().unwrap();
        writeln!(kinit.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        assert!(kinit.wait().unwrap().success(), "kinit {client}");

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || serve(&listener));
        let mut curl = command(self.folder.path(), "curl");
        curl.env("KRB5CCNAME", &cache);
        curl.args([
            "--silent",
            "--show-error",
            "--negotiate",
            "--user",
            ":",
            "--noproxy",
            "*",
            "--max-time",
            "20",
        ]);
        curl.args(["--resolve", &format!("{host}:{port}:127.0.0.1"), &format!("http://{host}:{port}/")]);
        let output = curl.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // Nobody comes any more, should it wait for one.
        for _ in 0..CONNECTIONS {
            let _ = TcpStream::connect(("127.0.0.1", port));
        }
        let token = served.join().unwrap().unwrap_or_else(|| panic!("no token: {said}"));
        ap_req_of(&token).unwrap()
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

/// Ends the process when this one has ended: what is static is not dropped.
#[allow(clippy::zombie_processes, reason = "it outlives us")]
fn follow(process: u32) {
    let own = std::process::id();
    let script = format!("while kill -0 {own} 2>/dev/null; do sleep 1; done; kill {process}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap();
}

fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("KRB5_CONFIG", folder.join("krb5.conf")).env("KRB5_KDC_PROFILE", folder.join("kdc.conf"));
    command
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = command(folder, program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}: cargo xtask tools"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {printed}");
    printed
}

/// Asks for Negotiate until a token comes, on as many connections as the client wants.
fn serve(listener: &TcpListener) -> Option<String> {
    for _ in 0..CONNECTIONS {
        let (mut stream, _) = listener.accept().ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        while let Some(head) = head(&mut stream) {
            if let Some(line) = head.lines().find_map(|line| line.strip_prefix("Authorization: Negotiate ")) {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                return Some(line.to_owned());
            }
            let asked =
                b"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Negotiate\r\ncontent-length: 0\r\n\r\n";
            if stream.write_all(asked).is_err() {
                break;
            }
        }
    }
    None
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn principal(text: &str) -> Principal {
    Principal::parse(text).unwrap()
}

fn acceptor(keytab: &Path, service: &str) -> Acceptor {
    let keytab = Keytab::read(&fs::read(keytab).unwrap()).unwrap();
    Acceptor::new(keytab, principal(service)).unwrap()
}

#[allow(clippy::disallowed_methods, reason = "the KDC's clock is that of the machine")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn code(accepted: Result<Accepted, postern_refusal::Refusal>) -> &'static str {
    accepted.expect_err("refused").code
}

#[test]
fn alice_is_known_by_her_ticket_in_each_encryption() {
    for (host, encryption) in [
        ("a17.example.test", "aes128-cts-hmac-sha1-96"),
        ("a18.example.test", "aes256-cts-hmac-sha1-96"),
        ("a19.example.test", "aes128-cts-hmac-sha256-128"),
        ("a20.example.test", "aes256-cts-hmac-sha384-192"),
    ] {
        let keytab = kdc().service(REALM, host, encryption);
        let acceptor = acceptor(&keytab, &format!("HTTP/{host}@{REALM}"));
        let (first, second) = (kdc().ap_req("alice", host), kdc().ap_req("alice", host));
        let accepted =
            acceptor.accept(&first, now()).unwrap_or_else(|refusal| panic!("{encryption}: {refusal}"));
        assert_eq!(accepted.client, principal("alice@EXAMPLE.TEST"));
        assert!((now()..=now() + 301).contains(&accepted.until));
        // The same one is told by that, and the next one is another.
        assert_eq!(acceptor.accept(&first, now()).unwrap(), accepted);
        assert_ne!(acceptor.accept(&second, now()).unwrap().replay, accepted.replay);
    }
}

#[test]
fn tickets_for_others_of_others_and_at_other_times() {
    let (host, other) = ("b.example.test", "c.example.test");
    let encryption = "aes256-cts-hmac-sha1-96";
    let (keytab, others) = (kdc().service(REALM, host, encryption), kdc().service(REALM, other, encryption));
    let acceptor_of_b = acceptor(&keytab, &format!("HTTP/{host}@{REALM}"));
    let acceptor_of_c = acceptor(&others, &format!("HTTP/{other}@{REALM}"));
    let ap_req = kdc().ap_req("alice", host);
    assert!(acceptor_of_b.accept(&ap_req, now()).is_ok());
    assert_eq!(code(acceptor_of_c.accept(&ap_req, now())), "kerberos.service.other");
    // Times: of the authenticator, and of the ticket.
    for (at, expected) in [
        (now() + 310, "kerberos.authenticator.time"),
        (now() - 310, "kerberos.ticket.not-yet-valid"),
        (now() + 2 * 86_400, "kerberos.ticket.expired"),
    ] {
        assert_eq!(code(acceptor_of_b.accept(&ap_req, at)), expected);
    }
    // The service's name over the other one's ticket: its key is another.
    let renamed: Vec<u8> = kdc().ap_req("alice", other);
    let at = renamed.windows(other.len()).position(|part| part == other.as_bytes()).unwrap();
    let renamed = [&renamed[..at], host.as_bytes(), &renamed[at + host.len()..]].concat();
    // Each was given keys anew by `ktadd`, so that the versions are the same.
    assert_eq!(code(acceptor_of_b.accept(&renamed, now())), "kerberos.ticket.undecipherable");
    // Alice of the partner's realm, which ours trusts to say so, is not our Alice.
    let partners = "d.partner.test";
    let keytab = kdc().service(OTHER, partners, encryption);
    let acceptor_of_d = acceptor(&keytab, &format!("HTTP/{partners}@{OTHER}"));
    let ap_req = kdc().ap_req(&format!("alice@{OTHER}"), partners);
    assert_eq!(acceptor_of_d.accept(&ap_req, now()).unwrap().client, principal("alice@PARTNER.TEST"));
    let ap_req = kdc().ap_req("alice", partners);
    assert_eq!(code(acceptor_of_d.accept(&ap_req, now())), "kerberos.realm.foreign");
}

#[test]
fn what_was_changed_on_the_way() {
    let host = "e.example.test";
    let keytab = kdc().service(REALM, host, "aes128-cts-hmac-sha256-128");
    let acceptor = acceptor(&keytab, &format!("HTTP/{host}@{REALM}"));
    let ap_req = kdc().ap_req("alice", host);
    let accepted = acceptor.accept(&ap_req, now()).unwrap();
    for length in 0..ap_req.len() {
        assert_eq!(code(acceptor.accept(&ap_req[..length], now())), "kerberos.ap-req.malformed");
    }
    let mut passed = 0;
    for at in 0..ap_req.len() {
        let mut changed = ap_req.clone();
        changed[at] ^= 0x04;
        // Hints that nobody reads may be changed: the type of a name, options. Who it is may not.
        if let Ok(other) = acceptor.accept(&changed, now()) {
            assert_eq!(other, accepted, "byte {at}");
            passed += 1;
        }
    }
    assert!(passed <= 8, "{passed} bytes do not count");
}

#[test]
fn keys_that_are_old_weak_or_absent() {
    let host = "f.example.test";
    let keytab = kdc().service(REALM, host, "aes256-cts-hmac-sha1-96");
    let acceptor = acceptor(&keytab, &format!("HTTP/{host}@{REALM}"));
    kdc().admin(REALM, &format!("cpw -randkey -e aes256-cts-hmac-sha1-96:normal HTTP/{host}"));
    assert_eq!(code(acceptor.accept(&kdc().ap_req("alice", host), now())), "kerberos.key.unknown");
    kdc().admin(REALM, &format!("cpw -randkey -e arcfour-hmac:normal HTTP/{host}"));
    let weak = kdc().ap_req("alice", host);
    assert_eq!(code(acceptor.accept(&weak, now())), "kerberos.encryption.unsupported");
    // RC4 in the keytab is no key.
    let only_weak = kdc().folder.path().join("weak.keytab");
    kdc().keep(REALM, host, "arcfour-hmac", &only_weak);
    let bytes = fs::read(&only_weak).unwrap();
    assert_eq!(Keytab::read(&bytes).unwrap_err(), KeytabError::NoKeys);
    let good = fs::read(&keytab).unwrap();
    let both = Keytab::read(&[&good[..], &bytes[2..]].concat()).unwrap();
    assert!(Acceptor::new(both, principal("HTTP/other.example.test@EXAMPLE.TEST")).is_none());
    for length in 0..good.len() {
        assert!(Keytab::read(&good[..length]).is_err(), "cut to {length}");
    }
    assert_eq!(Keytab::read(b"\x05\x01").unwrap_err(), KeytabError::Malformed);
    let shown = format!("{:?}", Keytab::read(&good).unwrap());
    assert!(shown.contains("Key(Aes256Sha1)") && !shown.contains("bytes"), "{shown}");
}

#[test]
fn principals_are_read_and_written() {
    let read = principal("HTTP/sso.example.test@EXAMPLE.TEST");
    assert_eq!(read.name, ["HTTP", "sso.example.test"]);
    assert_eq!(read.to_string(), "HTTP/sso.example.test@EXAMPLE.TEST");
    for wrong in ["", "alice", "@R", "alice@", "a@b@c", "a/@R", "a\\b@R", "a b@R", "a@R/S"] {
        assert!(Principal::parse(wrong).is_none(), "{wrong}");
    }
    let odd = Principal { realm: "R".into(), name: vec!["a/b@R".into()] };
    assert_eq!(odd.to_string(), "a\\/b\\@R@R", "nobody is somebody else in a log");
}
