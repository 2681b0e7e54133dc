//! Algorithm identifiers (RFC 9231) and what they name here.
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use sha2::{Digest, Sha256, Sha384, Sha512};

const METHODS: [(&str, Algorithm); 5] = [
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", Algorithm::Rs256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", Algorithm::Rs384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Algorithm::Rs512),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Algorithm::Es256),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", Algorithm::Es384),
];

/// The algorithm that a SignatureMethod or SigAlg names, when it is on the allowlist.
///
/// # Errors
/// `xml.signature.sha1`, `xml.signature.algorithm.unknown`, `xml.signature.algorithm.not-allowed`.
pub fn method_for(uri: &str, allowed: &[Algorithm]) -> Result<Algorithm, Refusal> {
    if uri.ends_with("-sha1") {
        return Err(refused("xml.signature.sha1", "a signature algorithm without SHA-1", uri));
    }
    let algorithm = METHODS.iter().find(|(name, _)| *name == uri).map(|(_, algorithm)| *algorithm);
    let algorithm = algorithm.ok_or_else(|| {
        refused("xml.signature.algorithm.unknown", "RSA or ECDSA with SHA-256, SHA-384 or SHA-512", uri)
    })?;
    if allowed.contains(&algorithm) {
        Ok(algorithm)
    } else {
        Err(refused("xml.signature.algorithm.not-allowed", "an algorithm on the allowlist", uri))
    }
}

/// The identifier of an algorithm that XML signatures have one for.
pub fn method_uri(algorithm: Algorithm) -> Option<&'static str> {
    METHODS.iter().find(|(_, known)| *known == algorithm).map(|(uri, _)| *uri)
}

/// Identifier of SHA-256, which we digest with.
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// The digest that a DigestMethod names, over the bytes.
pub(crate) fn digest(uri: &str, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    match uri {
        SHA256 => Ok(Sha256::digest(bytes).to_vec()),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(Sha384::digest(bytes).to_vec()),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(Sha512::digest(bytes).to_vec()),
        "http://www.w3.org/2000/09/xmldsig#sha1" => {
            Err(refused("xml.digest.sha1", "SHA-256, SHA-384 or SHA-512", uri))
        }
        _ => Err(refused("xml.digest.algorithm.unknown", "SHA-256, SHA-384 or SHA-512", uri)),
    }
}

fn refused(code: &'static str, expected: &str, uri: &str) -> Refusal {
    Refusal::incompatible(code).at("Algorithm").expected(expected).found(uri)
}
