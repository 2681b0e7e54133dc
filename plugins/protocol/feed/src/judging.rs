use postern_jose::json::{Object, read_object};
use postern_jose::{KeySet, UnverifiedJws, Verified, base64url_encode};
use postern_refusal::Refusal;
use postern_signature::Verifier;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{ALGORITHM, MAX_FEED, TOKEN_TYPE};

/// How far the clocks of LAN and DMZ may differ, in seconds.
const SKEW: u64 = 300;

/// What a filter has of the feed so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// Grows with every change.
    pub sequence: u64,
    /// SHA-256 of the document, base64url.
    pub digest: String,
}

/// What a document is judged by.
#[derive(Clone, Copy, Debug)]
pub struct FeedRule<'a> {
    /// `iss`, letter by letter.
    pub issuer: &'a str,
    /// Whose signature is good.
    pub keys: &'a KeySet,
    /// What is replaced.
    pub in_force: &'a InForce,
    /// Seconds since 1970.
    pub now: u64,
}

/// What there is to do with a good document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is what is in force, under whatever number, and the number in force stays as it is: two nodes
    /// count apart, and one that is ahead must not shut out what the other one registers next. Nothing
    /// older than what is in force gets in by that.
    Unchanged,
    /// It is newer.
    Newer(Verified<Feed>),
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What is in force once it is taken over.
    pub in_force: InForce,
    sections: Object,
}

impl Feed {
    /// The configuration of the filter of this name, as JSON. None: the LAN has no use for the
    /// filter now, and it keeps what it has.
    pub fn section(&self, name: &str) -> Option<Vec<u8>> {
        self.sections.get(name).map(|section| section.to_string().into_bytes())
    }
}

/// Judges a document: its signature and digest before anything in it is read.
///
/// # Errors
/// `feed.document.too-long`, `feed.document.form`, the `jose.…` codes of
/// [`UnverifiedJws`], `feed.type.mismatch`, `feed.issuer.mismatch`, `feed.issued-at.future`,
/// `feed.digest.mismatch`, `feed.sequence.older`, the `json.…` codes.
pub fn judge_feed(bytes: &[u8], rule: &FeedRule<'_>, verifier: &dyn Verifier) -> Result<Judged, Refusal> {
    if bytes.len() > MAX_FEED {
        return Err(Refusal::misbehaved("feed.document.too-long").expected("8 MiB at most"));
    }
    let (token, document) = split(bytes).ok_or_else(|| {
        Refusal::misbehaved("feed.document.form").expected("a JWS, a line feed, and the document")
    })?;
    let jws = UnverifiedJws::read(token)?;
    if jws.header().token_type.as_deref() != Some(TOKEN_TYPE) {
        return Err(Refusal::misbehaved("feed.type.mismatch").at("typ").expected(TOKEN_TYPE));
    }
    let claims = jws.verify(rule.keys, &[ALGORITHM], verifier)?;
    claims
        .and_then(|claims| {
            let issuer = claims.required_string("iss")?;
            if issuer != rule.issuer {
                let refusal = Refusal::misbehaved("feed.issuer.mismatch").at("iss");
                return Err(refusal.expected(rule.issuer).found(issuer));
            }
            if claims.required_time("iat")? > rule.now.saturating_add(SKEW) {
                return Err(Refusal::misbehaved("feed.issued-at.future").at("iat").expected("the past"));
            }
            let digest = claims.required_string("sha256")?;
            if digest != base64url_encode(&Sha256::digest(document)) {
                let refusal = Refusal::misbehaved("feed.digest.mismatch").at("sha256");
                return Err(refusal.expected("the digest of the document"));
            }
            Ok(InForce { sequence: claims.required_time("sequence")?, digest: digest.to_owned() })
        })?
        .and_then(|found| {
            // Another node may have counted otherwise: the same content is no step back.
            if found.digest == rule.in_force.digest {
                return Ok(None);
            }
            if found.sequence <= rule.in_force.sequence {
                return Err(Refusal::misbehaved("feed.sequence.older")
                    .at("sequence")
                    .expected(&format!("more than {}", rule.in_force.sequence))
                    .found(&found.sequence.to_string()));
            }
            read_object("document", document).map(|sections| Some(Feed { in_force: found, sections }))
        })
        .map(judged)
}

fn judged(feed: Verified<Option<Feed>>) -> Judged {
    match feed.transpose() {
        None => Judged::Unchanged,
        Some(feed) => Judged::Newer(feed),
    }
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (token, document) = bytes.split_at_checked(end)?;
    Some((core::str::from_utf8(token).ok()?, document.get(1..)?))
}
