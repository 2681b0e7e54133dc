//! Sign-in with an outside OpenID Provider: the component in the sandbox, calls over real sockets, and a provider
//! that tells the truth or lies as the test says. Needs `cargo xtask build`.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use postern_kernel::authenticator::{
    AuthenticatorModule as _, ClaimSet, Context, Demanded, Event, Identity, Purpose, Redirection, Returned,
    Step, Who,
};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::directory::Claim;
use postern_kernel::services::{AuthenticatorServices, Installation};
use postern_outbound::{Authorities, Credential, CredentialKind, HttpOutbound, Policy, Resolver};
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

mod installation;

use installation::{artefact, context, services_about};

/// The clock of the installation.
const NOW: u64 = 1_800_000_000;
const STATE: &str = "a-state-that-the-kernel-made";

/// A provider.
struct Provider {
    issuer: String,
    says: Mutex<Says>,
}

/// What it says, and what it was asked.
struct Says {
    key: EcdsaKeyPair,
    /// In the place of that one, with PS256.
    rsa: Option<RsaKeyPair>,
    /// Published beside it.
    more_keys: Vec<Value>,
    kid: &'static str,
    /// Of the last authorization request.
    nonce: String,
    challenge: String,
    /// Over what an honest one says; null takes a member away.
    metadata: Value,
    id_token: Value,
    header: Value,
    jwk: Value,
    userinfo: Value,
    /// In the place of the token endpoint's answer.
    token_status: Option<(u16, &'static str)>,
    is_away: bool,
    asked: Vec<String>,
}

fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// `base` with the members of `over`.
fn over(mut base: Value, over: &Value) -> Value {
    for (name, value) in over.as_object().unwrap() {
        match value {
            Value::Null => drop(base.as_object_mut().unwrap().remove(name)),
            value => base[name] = value.clone(),
        }
    }
    base
}

impl Provider {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let says = Says {
            key: key(),
            rsa: None,
            more_keys: Vec::new(),
            kid: "k1",
            nonce: String::new(),
            challenge: String::new(),
            metadata: json!({}),
            id_token: json!({}),
            header: json!({}),
            jwk: json!({}),
            userinfo: json!({}),
            token_status: None,
            is_away: false,
            asked: Vec::new(),
        };
        let provider = Arc::new(Self { issuer, says: Mutex::new(says) });
        let served = Arc::clone(&provider);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = Arc::clone(&served);
                tokio::spawn(async move { provider.serve(stream).await });
            }
        });
        provider
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
        let text = loop {
            let length = stream.read(&mut buffer).await?;
            request.extend_from_slice(&buffer[..length]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let expected = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= expected.map_or(0, |length| length.parse().unwrap()) {
                break text;
            }
        };
        if let Some((status, body)) = self.answer(&text) {
            let kind = "Content-Type: application/json\r\nCache-Control: max-age=600";
            let head = format!("HTTP/1.1 {status} X\r\n{kind}\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await?;
        }
        stream.shutdown().await
    }

    fn answer(&self, request: &str) -> Option<(u16, String)> {
        let mut says = self.says.lock().unwrap();
        let path = request.split(' ').nth(1).unwrap().to_owned();
        says.asked.push(path.clone());
        if says.is_away {
            return None;
        }
        let issuer = &self.issuer;
        Some(match path.as_str() {
            "/.well-known/openid-configuration" => {
                let honest = json!({
                    "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
                    "userinfo_endpoint": format!("{issuer}/userinfo"), "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": true,
                });
                (200, over(honest, &says.metadata).to_string())
            }
            "/jwks" => {
                let keys: Vec<Value> = [says.jwk()].into_iter().chain(says.more_keys.clone()).collect();
                (200, json!({ "keys": keys }).to_string())
            }
            "/token" => match says.token_status {
                Some((status, body)) => (status, body.to_owned()),
                None => says.tokens(issuer, request),
            },
            "/userinfo" if request.contains("\r\nauthorization: Bearer an-access-token\r\n") => (
                200,
                over(json!({ "sub": "248289761001", "groups": ["staff", "it"] }), &says.userinfo).to_string(),
            ),
            _ => (404, "{}".into()),
        })
    }
}

impl Says {
    /// Its key as it publishes it.
    fn jwk(&self) -> Value {
        let honest = match &self.rsa {
            Some(rsa) => {
                let key: PublicKeyComponents<Vec<u8>> = rsa.public_key().into();
                let [n, e] = [key.n, key.e].map(|number| URL_SAFE_NO_PAD.encode(number));
                json!({"kty": "RSA", "use": "sig", "kid": self.kid, "n": n, "e": e})
            }
            None => {
                let point = self.key.public_key().as_ref();
                let [x, y] = [&point[1..33], &point[33..]].map(|number| URL_SAFE_NO_PAD.encode(number));
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.kid, "x": x, "y": y})
            }
        };
        over(honest, &self.jwk)
    }

    fn sign(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let Some(rsa) = &self.rsa else { return self.key.sign(&random, input).unwrap().as_ref().to_vec() };
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PSS_SHA256, &random, input, &mut signature).unwrap();
        signature
    }

    /// As RFC 6749 section 4.1.3 and RFC 7636 section 4.6 have it: the client is known by its secret, and the
    /// verifier is that of the challenge.
    fn tokens(&self, issuer: &str, request: &str) -> (u16, String) {
        let basic = STANDARD.encode("postern:a+secret");
        let verifier = request.split("code_verifier=").nth(1).unwrap_or_default().split('&').next().unwrap();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if !request.contains(&format!("\r\nauthorization: Basic {basic}\r\n")) {
            return (401, json!({ "error": "invalid_client" }).to_string());
        }
        if challenge != self.challenge || !request.contains("code=a-code") {
            return (400, json!({ "error": "invalid_grant" }).to_string());
        }
        let claims = json!({
            "iss": issuer, "aud": "postern", "sub": "248289761001", "nonce": self.nonce, "iat": NOW,
            "exp": NOW + 300, "acr": "two-factors", "amr": ["pwd", "otp", "mfa", "unheard-of"],
            "email": "alice@example.com", "email_verified": true, "name": "Alice",
        });
        let header = over(json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"}), &self.header);
        let parts =
            [header, over(claims, &self.id_token)].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let input = parts.join(".");
        let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.sign(input.as_bytes())));
        let answer = json!({"access_token": "an-access-token", "id_token": token, "token_type": "Bearer"});
        (200, answer.to_string())
    }
}

struct Nobody;

#[async_trait]
impl Resolver for Nobody {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Err(io::Error::other("no names here"))
    }
}

/// One person at the provider, by the component.
struct Scene {
    provider: Arc<Provider>,
    module: ComponentAuthenticator,
    installation: Arc<Installation>,
    settings: Value,
    demanded: Demanded,
}

impl Scene {
    async fn new() -> Self {
        let provider = Provider::start().await;
        let sandbox = Sandbox::new(None).unwrap();
        let limits = Limits { call: Duration::from_secs(25), ..Limits::default() };
        let component = artefact("authenticators/openid-provider.wasm");
        let module = sandbox.load_authenticator("openid-provider.wasm", component, limits).await.unwrap();
        let host = provider.issuer.strip_prefix("http://").unwrap();
        let secret = Credential::new(host.parse().unwrap(), &CredentialKind::Basic("postern"), "a secret");
        let policy = Policy {
            hosts: vec![host.parse().unwrap()],
            networks: vec!["127.0.0.1/32".parse().unwrap()],
            credentials: BTreeMap::from([("client".to_owned(), secret.unwrap())]),
        };
        let certificate = rcgen::generate_simple_self_signed(vec!["unused.example".to_owned()]).unwrap().cert;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let authorities = Authorities::of_file(&folder.path().join("ca.pem")).unwrap();
        let policies = BTreeMap::from([("openid-provider".to_owned(), policy)]);
        let clock = Arc::new(installation::Noon);
        let outbound = HttpOutbound::new(policies, &authorities, Arc::new(Nobody), clock);
        let settings = json!({ "issuer": provider.issuer, "client_id": "postern", "credential": "client" });
        let installation = installation::with_outbound(Arc::new(outbound));
        Self { provider, module, installation, settings, demanded: Demanded::default() }
    }

    fn context(&self) -> Context {
        Context {
            settings: self.settings.to_string(),
            login_hint: Some("alice@example.com".into()),
            return_uri: "https://sso.example.com/commonauth/return/openid-provider".into(),
            redirect_state: STATE.into(),
            ..context(Purpose::SignIn, None)
        }
    }

    fn services(&self) -> Arc<AuthenticatorServices> {
        let installation = Arc::clone(&self.installation);
        let services = services_about(installation, "openid-provider", Purpose::SignIn, None);
        Arc::new(Arc::into_inner(services).unwrap().demanding(self.demanded.clone()))
    }

    async fn begin(&self) -> Step {
        self.module.begin(self.services(), self.context()).await.unwrap()
    }

    /// Sends the person there, who comes back with the query in which `{iss}` is the provider.
    async fn sign_in_with(&self, query: &str) -> Step {
        self.back(self.sent().await, query).await
    }

    async fn sent(&self) -> Redirection {
        let Step::Redirect(redirection) = self.begin().await else { panic!("nobody is sent") };
        let parameter = |name: &str| {
            let found =
                redirection.url.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            found.unwrap_or_default().to_owned()
        };
        assert!(redirection.url.starts_with(&format!("{}/authorize?", self.provider.issuer)));
        assert_eq!(
            (parameter("state").as_str(), parameter("code_challenge_method").as_str()),
            (STATE, "S256")
        );
        assert_eq!(parameter("login_hint"), "alice%40example.com");
        {
            let mut says = self.provider.says.lock().unwrap();
            (says.nonce, says.challenge) = (parameter("nonce"), parameter("code_challenge"));
        }
        redirection
    }

    async fn back(&self, redirection: Redirection, query: &str) -> Step {
        let query = query.replace("{iss}", &self.provider.issuer.replace(':', "%3A").replace('/', "%2F"));
        let event = Event::Returned(Returned(query));
        self.module.proceed(self.services(), self.context(), redirection.state, event).await.unwrap()
    }

    async fn sign_in(&self) -> Step {
        self.sign_in_with(&format!("code=a-code&state={STATE}&iss={{iss}}")).await
    }

    fn lie(&self, lie: impl FnOnce(&mut Says)) {
        lie(&mut self.provider.says.lock().unwrap());
    }

    fn asked(&self, path: &str) -> usize {
        self.provider.says.lock().unwrap().asked.iter().filter(|asked| *asked == path).count()
    }
}

fn claim(name: &str, values: &[&str]) -> Claim {
    Claim { name: name.into(), values: values.iter().map(|value| (*value).to_owned()).collect() }
}

#[tokio::test]
async fn whom_the_provider_vouches_for() {
    let scene = Scene::new().await;
    let expected = |context: &str, claims: Vec<Claim>| {
        Step::Authenticated(Identity {
            who: Who::Claims(ClaimSet {
                issuer: scene.provider.issuer.clone(),
                subject: "248289761001".into(),
                claims,
            }),
            methods: vec!["pwd".into(), "otp".into()],
            context: context.into(),
            remember: None,
        })
    };
    let own = "urn:postern:authentication:openid-provider";
    let mapped = vec![claim("email", &["alice@example.com"]), claim("name", &["Alice"])];
    for _ in 0..3 {
        assert_eq!(scene.sign_in().await, expected(own, mapped.clone()));
    }
    // What the provider publishes is asked for once, not with each sign-in.
    assert_eq!(scene.asked("/.well-known/openid-configuration"), 1);
    assert_eq!((scene.asked("/jwks"), scene.asked("/token"), scene.asked("/userinfo")), (1, 3, 0));

    let further = json!({
        "userinfo": true, "claims": { "mail": "email", "roles": "groups" }, "mfa_contexts": ["two-factors"],
    });
    let scene = Scene { settings: over(scene.settings.clone(), &further), ..scene };
    let expected = Step::Authenticated(Identity {
        who: Who::Claims(ClaimSet {
            issuer: scene.provider.issuer.clone(),
            subject: "248289761001".into(),
            claims: vec![claim("mail", &["alice@example.com"]), claim("roles", &["staff", "it"])],
        }),
        methods: vec!["pwd".into(), "otp".into(), "mfa".into()],
        context: "https://refeds.org/profile/mfa".into(),
        remember: None,
    });
    assert_eq!(scene.sign_in().await, expected);
    scene.lie(|says| says.userinfo = json!({ "sub": "somebody-else" }));
    assert_unavailable(&scene.sign_in().await, "oidc.userinfo.subject", "userinfo");
}

fn assert_unavailable(step: &Step, reason: &str, lie: &str) {
    let Step::Unavailable(found) = step else { panic!("{lie}: {step:?}") };
    assert!(found.contains(reason), "{lie}: {found}");
}

#[tokio::test]
async fn a_lying_provider_is_not_believed() {
    let scene = Scene::new().await;
    for (lie, reason) in [
        (json!({ "nonce": "another" }), "oidc.provider-token.nonce"),
        (json!({ "nonce": null }), "oidc.provider-token.nonce"),
        (json!({ "aud": "another" }), "oidc.provider-token.audience"),
        (json!({ "aud": ["postern", "another"] }), "oidc.provider-token.audience"),
        (json!({ "azp": "another" }), "oidc.provider-token.authorized-party"),
        (json!({ "iss": "https://evil.example" }), "oidc.provider-token.issuer"),
        (json!({ "exp": NOW - 60 }), "oidc.provider-token.expired"),
        (json!({ "iat": NOW + 60 }), "oidc.provider-token.not-yet-valid"),
        (json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }), "oidc.provider-token.access-token"),
        (json!({ "sub": null }), "jose.claim.missing"),
    ] {
        scene.lie(|says| says.id_token = lie.clone());
        assert_unavailable(&scene.sign_in().await, reason, &lie.to_string());
    }
    scene.lie(|says| says.id_token = json!({}));
    for (lie, reason) in [
        (json!({ "alg": "none" }), "jose.alg.not-allowed"),
        (json!({ "alg": "HS256" }), "jose.alg.not-allowed"),
        (json!({ "alg": "PS512" }), "jose.alg.not-allowed"),
        (json!({ "alg": "PS256" }), "jose.alg.key-mismatch"),
        (json!({ "kid": "another" }), "jose.kid.unknown"),
        (json!({ "typ": "at+jwt", "x": 1 }), "jose.signature.mismatch"),
        (json!({ "jwk": {} }), "jose.header.embedded-key"),
    ] {
        scene.lie(|says| says.header = lie.clone());
        if reason == "jose.signature.mismatch" {
            // Signed by a key that is not the published one of that name.
            scene.lie(|says| says.key = key());
        }
        assert_unavailable(&scene.sign_in().await, reason, &lie.to_string());
    }
    let scene = Scene::new().await;
    for (answer, reason) in [
        ((400, r#"{"error":"invalid_grant"}"#), "oidc.token-answer.error"),
        ((500, "{}"), "oidc.token-answer.status"),
        ((200, "{}"), "oidc.token-answer.member"),
        ((200, "<html>"), "json.malformed"),
    ] {
        scene.lie(|says| says.token_status = Some(answer));
        assert_unavailable(&scene.sign_in().await, reason, answer.1);
    }
    scene.lie(|says| says.token_status = None);
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)), "the truth is believed again");
}

#[tokio::test]
async fn what_comes_back_is_of_this_provider_and_this_request() {
    let scene = Scene::new().await;
    for (query, reason) in [
        ("code=a-code&state=another&iss={iss}", "oidc.callback.state"),
        (
            "code=a-code&state=a-state-that-the-kernel-made&iss=https%3A%2F%2Fevil.example",
            "oidc.callback.issuer",
        ),
        ("code=a-code&state=a-state-that-the-kernel-made", "oidc.callback.issuer"),
        ("error=server_error&state=a-state-that-the-kernel-made&iss={iss}", "the provider says server_error"),
        ("code=b-code&state=a-state-that-the-kernel-made&iss={iss}", "oidc.token-answer.error"),
    ] {
        assert_unavailable(&scene.sign_in_with(query).await, reason, query);
    }
    assert_eq!(scene.asked("/token"), 1, "nothing that was refused before was exchanged");
    let refused = scene.sign_in_with(&format!("error=access_denied&state={STATE}&iss={{iss}}")).await;
    assert!(matches!(refused, Step::Denied(denial) if denial.reason == "access_denied"));
}

#[tokio::test]
async fn keys_are_asked_for_again_when_one_is_new_and_once_only() {
    let scene = Scene::new().await;
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)));
    scene.lie(|says| (says.key, says.kid) = (key(), "k2"));
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)), "the keys were turned over");
    assert_eq!(scene.asked("/jwks"), 2);
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)));
    assert_eq!(scene.asked("/jwks"), 2, "the new ones are kept");
    scene.lie(|says| says.header = json!({ "kid": "k3" }));
    assert_unavailable(&scene.sign_in().await, "jose.kid.unknown", "a key that nobody has");
    assert_eq!(scene.asked("/jwks"), 3);
}

#[tokio::test]
async fn tokens_of_a_provider_with_one_key_need_no_name_of_it() {
    let scene = Scene::new().await;
    scene.lie(|says| (says.header, says.jwk) = (json!({ "kid": null }), json!({ "kid": null })));
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)));
    scene.lie(|says| says.key = key());
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)), "the key was turned over");
    assert_eq!(scene.asked("/jwks"), 2);
    // Of two keys of the algorithm it could be either, and the worse one would do.
    let another = Scene::new().await;
    let jwk = another.provider.says.lock().unwrap().jwk();
    scene.lie(|says| says.more_keys = vec![jwk]);
    scene.lie(|says| says.key = key());
    assert_unavailable(&scene.sign_in().await, "jose.kid.missing", "two keys");
    assert_eq!(scene.asked("/jwks"), 3, "once only");
    scene.lie(|says| says.more_keys.clear());
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)), "the other one is gone");
    assert_eq!(scene.asked("/jwks"), 4);
}

#[tokio::test]
async fn ps256_is_verified() {
    let scene = Scene::new().await;
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    scene.lie(|says| (says.rsa, says.header) = (Some(rsa), json!({ "alg": "PS256" })));
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)));
    let settings = over(scene.settings.clone(), &json!({ "algorithms": ["RS256", "ES256"] }));
    let narrow = Scene { settings, ..scene };
    assert_unavailable(&narrow.sign_in().await, "jose.alg.not-allowed", "PS256");
    let settings = over(narrow.settings.clone(), &json!({ "algorithms": ["PS256"] }));
    let scene = Scene { settings, ..narrow };
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)));
    // The padding of RS256 is another one.
    scene.lie(|says| says.header = json!({ "alg": "RS256" }));
    assert_unavailable(&scene.sign_in().await, "jose.alg.not-allowed", "RS256");
}

#[tokio::test]
async fn a_provider_that_is_away_or_another_ones_is_unavailable() {
    let scene = Scene::new().await;
    for (lie, reason) in [
        (json!({ "issuer": "https://evil.example" }), "oidc.provider.issuer"),
        (json!({ "token_endpoint": "http://10.0.0.1/token" }), "oidc.provider.endpoint"),
        (json!({ "code_challenge_methods_supported": ["plain"] }), "oidc.provider.unsupported"),
    ] {
        let scene = Scene::new().await;
        scene.lie(|says| says.metadata = lie.clone());
        assert_unavailable(&scene.begin().await, reason, &lie.to_string());
    }
    // An endpoint on a host that is not granted is not called.
    let elsewhere = Scene::new().await;
    elsewhere.lie(|says| says.metadata = json!({ "token_endpoint": "https://169.254.169.254/token" }));
    assert_unavailable(&elsewhere.sign_in().await, "token endpoint: ungranted", "metadata service");
    scene.lie(|says| says.is_away = true);
    assert_unavailable(&scene.begin().await, "discovery: unreachable", "away");
    let wrong = Scene { settings: json!({ "issuer": 1 }), ..scene };
    assert_unavailable(&wrong.begin().await, "settings", "settings");
}

/// What is asked of the provider: `prompt`, `max_age` and `acr_values`, where they are there.
async fn asked(scene: &Scene) -> String {
    let Step::Redirect(redirection) = scene.begin().await else { panic!("nobody is sent") };
    let (_, query) = redirection.url.split_once('?').unwrap();
    let of = |pair: &&str| ["prompt=", "max_age=", "acr_values="].iter().any(|name| pair.starts_with(name));
    query.split('&').filter(of).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_fresh_sign_in_is_asked_for_there_and_has_to_be_one() {
    let mut scene = Scene::new().await;
    assert_eq!(asked(&scene).await, "");
    for (fresh, max_age, settings, expected) in [
        (true, None, json!({}), "prompt=login&max_age=0"),
        (true, Some(300), json!({ "max_age": 60 }), "prompt=login&max_age=0"),
        (true, None, json!({ "prompt": "consent" }), "prompt=login%20consent&max_age=0"),
        (true, None, json!({ "prompt": "select_account" }), "prompt=login%20select_account&max_age=0"),
        (false, Some(300), json!({}), "max_age=300"),
        (false, Some(300), json!({ "prompt": "consent", "max_age": 60 }), "prompt=consent&max_age=60"),
    ] {
        let demanded = Demanded { fresh, max_age, contexts: Vec::new() };
        let asking = Scene { settings: over(scene.settings.clone(), &settings), demanded, ..scene };
        assert_eq!(asked(&asking).await, expected, "{fresh} {max_age:?} {settings}");
        let taken_away = json!({ "max_age": null, "prompt": null });
        scene = Scene { settings: over(asking.settings.clone(), &taken_away), ..asking };
    }
    const OLD: &str = "oidc.provider-token.authentication-age";
    let too_old = |since: u64| (json!({ "auth_time": since - 31 }), OLD);
    for (fresh, max_age, lies, good) in [
        // A minute and a half before the person was sent there, of a clock that may differ by half a minute.
        (true, None, vec![too_old(NOW), (json!({ "auth_time": 0 }), OLD)], NOW - 30),
        (true, Some(300), vec![too_old(NOW)], NOW),
        (false, Some(300), vec![too_old(NOW - 300)], NOW - 330),
        (false, Some(0), vec![too_old(NOW)], NOW),
    ] {
        let demanded = Demanded { fresh, max_age, contexts: Vec::new() };
        scene = Scene { demanded, ..scene };
        let others = [
            (json!({ "auth_time": null }), "jose.claim.missing"),
            (json!({ "auth_time": "now" }), "jose.claim.type"),
            (json!({ "auth_time": NOW + 31 }), OLD),
        ];
        for (lie, reason) in lies.into_iter().chain(others) {
            scene.lie(|says| says.id_token = lie.clone());
            assert_unavailable(&scene.sign_in().await, reason, &lie.to_string());
        }
        scene.lie(|says| says.id_token = json!({ "auth_time": good }));
        assert!(matches!(scene.sign_in().await, Step::Authenticated(_)), "{fresh} {max_age:?}");
    }
    // For providers that never say when it was. What they say counts all the same.
    let settings = over(scene.settings.clone(), &json!({ "auth_time_may_lack": true }));
    let scene = Scene { settings, ..scene };
    scene.lie(|says| says.id_token = json!({}));
    assert!(matches!(scene.sign_in().await, Step::Authenticated(_)));
    scene.lie(|says| says.id_token = json!({ "auth_time": NOW - 31 }));
    assert_unavailable(&scene.sign_in().await, OLD, "an old one");
}

/// When people are back who let the redirect wait.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(NOW + 1_500)
    }
}

#[tokio::test]
async fn the_age_counts_when_the_person_is_back() {
    const OLD: &str = "oidc.provider-token.authentication-age";
    for (fresh, max_age, auth_time, is_good) in [
        // Recent enough when they were sent.
        (false, Some(60), NOW - 60, false),
        (false, Some(60), NOW + 1_500 - 91, false),
        (false, Some(60), NOW + 1_500 - 90, true),
        (true, None, NOW - 31, false),
        (true, None, NOW, true),
        (true, Some(60), NOW, false),
        (true, Some(60), NOW + 1_500, true),
    ] {
        let mut scene = Scene::new().await;
        scene.demanded = Demanded { fresh, max_age, contexts: Vec::new() };
        let now = NOW + 1_500;
        scene.lie(|says| says.id_token = json!({ "iat": now, "exp": now + 300, "auth_time": auth_time }));
        let redirection = scene.sent().await;
        let installation = Arc::into_inner(scene.installation).unwrap();
        scene.installation = Arc::new(Installation { clock: Arc::new(Later), ..installation });
        let step = scene.back(redirection, &format!("code=a-code&state={STATE}&iss={{iss}}")).await;
        match is_good {
            true => assert!(matches!(step, Step::Authenticated(_)), "{max_age:?} {auth_time}: {step:?}"),
            false => assert_unavailable(&step, OLD, &format!("{max_age:?} {auth_time}")),
        }
    }
}

#[tokio::test]
async fn several_factors_are_asked_for_where_the_operator_says_how() {
    let scene = Scene::new().await;
    let contexts = vec!["other".to_owned(), "https://refeds.org/profile/mfa".to_owned()];
    let scene = Scene { demanded: Demanded { contexts, ..Demanded::default() }, ..scene };
    assert_eq!(asked(&scene).await, "");
    let settings = over(scene.settings.clone(), &json!({ "mfa_contexts": ["a", "b"] }));
    let scene = Scene { settings, ..scene };
    assert_eq!(asked(&scene).await, "acr_values=a%20b");
    let settings = over(scene.settings.clone(), &json!({ "acr_values": "c" }));
    assert_eq!(asked(&Scene { settings, ..scene }).await, "acr_values=c");
}
