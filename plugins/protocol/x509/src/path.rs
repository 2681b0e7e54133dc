//! The way from a certificate up to a trust anchor.

use postern_refusal::Refusal;
use postern_signature::Verifier;

use crate::authority::Authority;
use crate::signed::Signed;

/// Most authorities above a certificate, the anchor among them.
pub const MAX_AUTHORITIES: usize = 3;

/// Whose word counts.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'t> {
    /// Where a way ends.
    pub anchors: &'t [Authority],
    /// Who may stand between: clients show theirs to the proxy, which passes on the first certificate alone.
    pub intermediates: &'t [Authority],
    /// Seconds since 1970.
    pub now: u64,
}

/// Somebody stands for the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// SHA-256 of the issuing authority's name and key: the same after its certificate was renewed. Two
    /// authorities may give one name to two people.
    pub issuer: [u8; 32],
}

/// The way from the certificate, below which no other stands.
pub(crate) fn find(leaf: &Signed, trust: &Trust<'_>, verifier: &dyn Verifier) -> Result<Vouched, Refusal> {
    above(leaf, 0, trust, verifier).map(|issuer| Vouched { issuer: issuer.identity })
}

/// Who has issued `signed`, which has so many authorities at and below it, and has an anchor above.
fn above<'t>(
    signed: &Signed,
    authorities: usize,
    trust: &Trust<'t>,
    verifier: &dyn Verifier,
) -> Result<&'t Authority, Refusal> {
    let issuer = signed.certificate.tbs_certificate().issuer();
    let is_named = |authority: &&'t Authority| {
        let subject = authority.signed.certificate.tbs_certificate().subject();
        subject == issuer
    };
    let mut refused = Refusal::misbehaved("certificate.issuer.unknown").found(&alloc::format!("{issuer}"));
    for anchor in trust.anchors.iter().filter(is_named) {
        match has_issued(anchor, signed, authorities, trust.now, verifier) {
            Ok(()) => return Ok(anchor),
            Err(refusal) => refused = refusal,
        }
    }
    let Some(next) = authorities.checked_add(1).filter(|next| *next < MAX_AUTHORITIES) else {
        return Err(refused);
    };
    for between in trust.intermediates.iter().filter(is_named) {
        let vouched = has_issued(between, signed, authorities, trust.now, verifier)
            .and_then(|()| above(&between.signed, next, trust, verifier));
        match vouched {
            Ok(_) => return Ok(between),
            Err(refusal) => refused = refusal,
        }
    }
    Err(refused)
}

/// Whether `authority`, whose name stands in `signed` as the issuer's, is that.
fn has_issued(
    authority: &Authority,
    signed: &Signed,
    below: usize,
    now: u64,
    verifier: &dyn Verifier,
) -> Result<(), Refusal> {
    let (from, until) = authority.signed.validity();
    if !(from..=until).contains(&now) {
        return Err(Refusal::configuration("certificate.authority.expired")
            .expected("an authority that is valid now"));
    }
    if !authority.allows_below(below) {
        return Err(Refusal::misbehaved("certificate.path-length"));
    }
    if !signed.is_signed_with(&authority.key, verifier) {
        return Err(Refusal::misbehaved("certificate.signature.wrong"));
    }
    Ok(())
}
