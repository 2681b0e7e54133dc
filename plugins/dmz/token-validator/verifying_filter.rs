//! A filter for one test, never deployed: it verifies what stands in a body, by the proxy's own
//! cryptography (its configuration is `{"native":true}`) or in the sandbox (`{"native":false}`), and
//! refuses the body when a verdict is not the one that stands beside it.
//!
//! A line is `algorithm key message signature verdict`: a JWA name, three times base64url (`-` for
//! nothing), and `valid` or `invalid`.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports of the proxy-wasm ABI")]

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_proxy::verify::ProxyVerifier;
use postern_proxy::{ConfigurationError, Exchange, Filter, HeadersVerdict, Judgement, Request};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier as _};

postern_proxy::filter!(Verifying);

/// Bytes of a body.
const MAX_BODY: usize = 512 * 1024;

struct Verifying {
    verifier: ProxyVerifier,
}

impl Filter for Verifying {
    const NAME: &'static str = "verifying";
    type Exchange = Batch;

    fn configure(configuration: &[u8]) -> Result<Self, ConfigurationError> {
        let native = configuration.windows(4).any(|word| word == b"true");
        let verifier = if native { ProxyVerifier::detect() } else { ProxyVerifier::rust_crypto() };
        if verifier.is_native() != native {
            return Err(ConfigurationError("the proxy has no verify_signature".into()));
        }
        Ok(Self { verifier })
    }

    fn exchange(self: &Rc<Self>) -> Batch {
        Batch { filter: Rc::clone(self) }
    }
}

struct Batch {
    filter: Rc<Verifying>,
}

impl Exchange for Batch {
    fn on_headers(&mut self, _request: &Request) -> HeadersVerdict {
        HeadersVerdict::HoldForBody(MAX_BODY)
    }

    fn on_body(&mut self, _request: &Request, body: &[u8]) -> Judgement {
        let text = String::from_utf8_lossy(body);
        text.lines().try_for_each(|line| self.filter.judge(line)).into()
    }
}

impl Verifying {
    fn judge(&self, line: &str) -> Result<(), Refusal> {
        let differs = |found: &str| Refusal::internal("verifying.differs").expected(line).found(found);
        let words: Vec<&str> = line.split(' ').collect();
        let &[algorithm, key, message, signature, verdict] = words.as_slice() else {
            return Err(differs("another number of words"));
        };
        let algorithm = Algorithm::from_jwa_name(algorithm).ok_or_else(|| differs("an unknown algorithm"))?;
        let bytes = |text: &str| match text {
            "-" => Ok(Vec::new()),
            text => URL_SAFE_NO_PAD.decode(text).map_err(|_| differs("broken base64url")),
        };
        let key = PublicKey::from_spki(bytes(key)?);
        let found = self.verifier.verify(algorithm, &key, &bytes(message)?, &bytes(signature)?);
        if found.is_ok() == (verdict == "valid") {
            return Ok(());
        }
        Err(differs(&format!("{found:?}")))
    }
}
