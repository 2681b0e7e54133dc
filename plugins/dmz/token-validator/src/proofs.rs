//! DPoP proofs: judged, and remembered among all workers.

use core::cell::OnceCell;

use crate::nonces::Nonces;
use crate::shared_secret::find_or_make;
use postern_jose::validator::{
    Denial, DpopSettings, PROOF_MEMORY_KEY, ProofMemory, demand_nonce, deny_proof,
};
use postern_jose::{DpopProof, DpopRule, judge_dpop_proof, read_dpop_header};
use postern_proxy::Request;
use postern_proxy::host::{self, Failed};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};
use zeroize::Zeroizing;

/// How often a bucket is tried that other workers write to at the same time.
const TRIES: usize = 8;

/// Where the key of the memory is.
const MEMORY_KEY: &str = "postern.token-validator.proofs-key";

/// What proofs are judged by.
pub(crate) struct Proofs {
    settings: DpopSettings,
    algorithms: Vec<Algorithm>,
    memory: ProofMemory,
    memory_key: OnceCell<Zeroizing<[u8; PROOF_MEMORY_KEY]>>,
    nonces: Option<Nonces>,
}

/// The code for which the client is told a nonce.
const NONCE: &str = "token.dpop.nonce";

impl Proofs {
    pub(crate) fn new(settings: &DpopSettings) -> Result<Self, Refusal> {
        Ok(Self {
            algorithms: settings.allowed_algorithms()?,
            memory: ProofMemory::new(settings.remembered_proofs),
            memory_key: OnceCell::new(),
            nonces: settings.nonce_seconds.map(Nonces::new),
            settings: settings.clone(),
        })
    }

    /// The proof that comes with a token.
    pub(crate) fn judge(
        &self,
        request: &Request,
        path: &str,
        token: &str,
        now: u64,
        skew: u64,
        verifier: &dyn Verifier,
    ) -> Result<DpopProof, Denial> {
        let nonces = self.nonces.as_ref().map(|nonces| nonces.acceptable(now)).transpose()?;
        let judge = || {
            let headers: Vec<&[u8]> =
                request.headers().filter(|(name, _)| *name == b"dpop").map(|(_, value)| value).collect();
            let text = read_dpop_header(&headers)?;
            let readable =
                || Refusal::misbehaved("token.dpop.method").at("htm").expected("a method in ASCII");
            let method = core::str::from_utf8(request.method()).map_err(|_| readable())?;
            let uris = self.settings.uris(path);
            let rule = DpopRule {
                method,
                uris: &uris,
                access_token: token,
                algorithms: &self.algorithms,
                max_age: self.settings.max_age_seconds,
                skew,
                nonces: nonces.as_ref().map(<[String; 2]>::as_slice),
            };
            judge_dpop_proof(text, &rule, now, verifier).map(postern_jose::Verified::into_inner)
        };
        judge().map_err(|refusal| match &nonces {
            Some([current, _]) if refusal.code == NONCE => demand_nonce(refusal, current.clone()),
            _ => deny_proof(refusal),
        })
    }

    /// The nonce to give out beside a good answer (RFC 9449 section 8.2), when that of the proof is the
    /// one before: it ends with this interval.
    pub(crate) fn fresh_nonce(&self, proof: &DpopProof, now: u64) -> Result<Option<String>, Denial> {
        let Some(nonces) = &self.nonces else { return Ok(None) };
        let [current, _] = nonces.acceptable(now)?;
        Ok((proof.nonce.as_ref() != Some(&current)).then_some(current))
    }

    /// Remembers a proof that everything else was good with, or refuses it when it came before.
    pub(crate) fn remember(&self, proof: &DpopProof, now: u64) -> Result<(), Denial> {
        let unavailable = |found: &str| Denial {
            refusal: Refusal::internal("token.dpop.memory-full")
                .with_status(503)
                .expected("shared data that can be written")
                .found(found),
            challenge: None,
            dpop_nonce: None,
        };
        let key = match self.memory_key.get() {
            Some(key) => key,
            None => {
                let found = find_or_make(MEMORY_KEY).ok_or_else(|| unavailable("no key for the memory"))?;
                self.memory_key.get_or_init(|| found)
            }
        };
        let entry = self.memory.entry(key, proof);
        for _ in 0..TRIES {
            let (bucket, version) = match host::shared(&entry.bucket) {
                Ok(found) => found.unwrap_or((Vec::new(), host::ABSENT)),
                Err(failed) => return Err(unavailable(&failed.to_string())),
            };
            let bucket = entry.remember(&bucket, now).map_err(|refusal| match refusal.status {
                401 => deny_proof(refusal),
                _ => Denial { refusal, challenge: None, dpop_nonce: None },
            })?;
            match host::set_shared(&entry.bucket, &bucket, Some(version)) {
                Ok(()) => return Ok(()),
                Err(Failed::STALE) => {}
                Err(failed) => return Err(unavailable(&failed.to_string())),
            }
        }
        Err(unavailable("other workers were faster each time"))
    }
}
