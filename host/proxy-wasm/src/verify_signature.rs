//! Envoy's foreign function `verify_signature`, for proxies that are not Envoy.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};
use postern_guest_bytes::{KeyKind, LENGTH_DELIMITED, SignatureArguments, kind_of};

use crate::status::Status;

/// Verifies a signature natively, as Envoy's function of that name: for
/// [`Host::call_foreign_function`](crate::Host::call_foreign_function).
///
/// The arguments are protobuf: `string hash_function = 1` (`sha256`, `sha384`, `sha512`), `bytes
/// public_key = 2` (SubjectPublicKeyInfo, DER), `bytes signature = 3`, `bytes text = 4`. RSA PKCS#1
/// v1.5 of 2,048 to 8,192 bits, and ECDSA on P-256 and P-384 with the signature as ASN.1. What is
/// appended to `results` is `bool result = 1`, or for a signature that is not good `string error = 2`.
/// Neither SHA-1 nor short RSA keys, which Envoy takes; no RSA-PSS and no Ed25519, as in Envoy.
///
/// # Errors
/// [`Status::BadArgument`] for arguments that are no such message.
pub fn verify_signature(arguments: &[u8], results: &mut Vec<u8>) -> Result<(), Status> {
    let arguments = SignatureArguments::read(arguments).ok_or(Status::BadArgument)?;
    match verify(&arguments) {
        Ok(()) => results.extend_from_slice(&[1 << 3, 1]),
        Err(error) => {
            results.extend_from_slice(&[(2 << 3) | LENGTH_DELIMITED, error.len() as u8]);
            results.extend_from_slice(error.as_bytes());
        }
    }
    Ok(())
}

fn verify(arguments: &SignatureArguments<'_>) -> Result<(), &'static str> {
    let kind = kind_of(arguments.key).ok_or("the public key is not one of a kind that is supported")?;
    let algorithm: &'static dyn VerificationAlgorithm = match (kind, arguments.hash) {
        (KeyKind::Rsa, b"sha256") => &RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa, b"sha384") => &RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa, b"sha512") => &RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::P256, b"sha256") => &ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, b"sha384") => &ECDSA_P256_SHA384_ASN1,
        (KeyKind::P384, b"sha256") => &ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, b"sha384") => &ECDSA_P384_SHA384_ASN1,
        _ => return Err("the hash function is not one that is supported"),
    };
    let verified =
        UnparsedPublicKey::new(algorithm, arguments.key).verify(arguments.text, arguments.signature);
    verified.map_err(|_| "the signature or the public key is not good")
}
#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
        RsaKeyPair,
    };

    use super::*;

    const TEXT: &[u8] = b"header.claims";

    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut message = Vec::new();
        for (number, content) in fields {
            message.push((number << 3) | LENGTH_DELIMITED);
            let mut length = content.len();
            while length >= 0x80 {
                message.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            message.push(length as u8);
            message.extend_from_slice(content);
        }
        message
    }

    fn answer(hash: &str, key: &[u8], signature: &[u8]) -> Vec<u8> {
        let mut results = Vec::new();
        let arguments = message(&[(1, hash.as_bytes()), (2, key), (3, signature), (4, TEXT)]);
        verify_signature(&arguments, &mut results).unwrap();
        results
    }

    fn accepts_only_its_own(hash: &str, key: &[u8], signature: &[u8]) {
        assert_eq!(answer(hash, key, signature), [8, 1], "{hash}");
        let mut tampered = signature.to_vec();
        tampered[signature.len() / 2] ^= 1;
        let cut = &key[..key.len() - 1];
        for (what, hash, key, signature) in [
            ("tampered", hash, key, tampered.as_slice()),
            ("no signature", hash, key, &[]),
            ("another hash", if hash == "sha384" { "sha256" } else { "sha384" }, key, signature),
            ("SHA-1", "sha1", key, signature),
            ("a cut key", hash, cut, signature),
            ("no key", hash, &[], signature),
        ] {
            let answer = answer(hash, key, signature);
            assert_eq!(answer[0], (2 << 3) | 2, "{what}: {answer:?}");
            assert_eq!(answer.len(), usize::from(answer[1]) + 2, "{what}");
        }
    }

    #[test]
    fn rsa() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let key = pair.public_key().as_der().unwrap();
        let encodings: [(&str, &'static dyn RsaEncoding); 3] =
            [("sha256", &RSA_PKCS1_SHA256), ("sha384", &RSA_PKCS1_SHA384), ("sha512", &RSA_PKCS1_SHA512)];
        let sign = |encoding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), TEXT, &mut signature).unwrap();
            signature
        };
        for (hash, encoding) in encodings {
            accepts_only_its_own(hash, key.as_ref(), &sign(encoding));
        }
        assert_ne!(answer("sha256", key.as_ref(), &sign(&RSA_PSS_SHA256)), [8, 1]);
    }

    #[test]
    fn ecdsa() {
        for (hash, signing) in
            [("sha256", &ECDSA_P256_SHA256_ASN1_SIGNING), ("sha384", &ECDSA_P384_SHA384_ASN1_SIGNING)]
        {
            let pair = EcdsaKeyPair::generate(signing).unwrap();
            let key = pair.public_key().as_der().unwrap();
            let signature = pair.sign(&SystemRandom::new(), TEXT).unwrap();
            accepts_only_its_own(hash, key.as_ref(), signature.as_ref());
        }
    }

    #[test]
    fn ed25519_is_for_the_filter() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = pair.public_key().as_der().unwrap();
        assert_ne!(answer("sha512", key.as_ref(), pair.sign(TEXT).as_ref()), [8, 1]);
    }

    /// Filters ask so whether there is such a function: all but "not found" is a yes.
    #[test]
    fn no_arguments_are_refused() {
        assert_eq!(verify_signature(&[], &mut Vec::new()), Err(Status::BadArgument));
    }

    #[test]
    fn what_is_no_such_message_is_refused() {
        let good = message(&[(1, b"sha256"), (4, &[7; 300])]);
        for cut in 1..good.len() {
            // Between two fields it is a message again.
            if cut != 8 {
                let refused = verify_signature(&good[..cut], &mut Vec::new());
                assert_eq!(refused, Err(Status::BadArgument), "{cut}");
            }
        }
        for bad in [message(&[(1, b"a"), (1, b"b")]), message(&[(5, b"a")]), vec![8, 1], vec![10, 0xff, 0xff]]
        {
            assert_eq!(verify_signature(&bad, &mut Vec::new()), Err(Status::BadArgument), "{bad:?}");
        }
    }
}
