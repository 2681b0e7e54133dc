//! Attestation with certificates: section 8.2.1, and trust.

use std::slice::from_ref;

use postern_refusal::Refusal;
use postern_software_authenticator::{Attestation, Key};
use postern_webauthn::{Attested, Registered, Trust};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa,
    Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use crate::scene::{CHALLENGE, NOBODY, NOW, ORIGIN, RP_ID, expected, passkey, register};

const AAGUID: &[u64] = &[1, 3, 6, 1, 4, 1, 45_724, 1, 1, 4];

/// A maker of authenticators.
struct Maker {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Maker {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }
}

/// As section 8.2.1 has it.
fn leaf() -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "DE");
    name.push(DnType::OrganizationName, "Example Keys");
    name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
    name.push(DnType::CommonName, "Example Key 1");
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.custom_extensions = vec![aaguid(&[0; 16])];
    params
}

fn aaguid(aaguid: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(AAGUID, [&[4, aaguid.len() as u8], aaguid].concat())
}

/// A registration that this leaf of the maker vouches for.
fn registering(maker: &Maker, params: CertificateParams, anchors: &[Vec<u8>]) -> Result<Registered, Refusal> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = params.signed_by(&key, &maker.issuer).unwrap().der().to_vec();
    with(&Key::from_pkcs8(&key.serialize_der()), &[certificate], anchors)
}

fn with(key: &Key, certificates: &[Vec<u8>], anchors: &[Vec<u8>]) -> Result<Registered, Refusal> {
    let mut passkey = passkey();
    let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    let json = passkey.attested(&answer, &Attestation::Certificate(key, certificates));
    register(&json, &expected(), &Trust { anchors, now: NOW })
}

#[test]
fn a_maker_vouches() {
    let (maker, other) = (Maker::new("Example Keys CA"), Maker::new("Other CA"));
    let attested = |anchors: &[Vec<u8>]| registering(&maker, leaf(), anchors).map(|done| done.attested);
    assert_eq!(attested(&[]), Ok(Attested::Certificate));
    assert_eq!(attested(&[other.der(), maker.der()]), Ok(Attested::Trusted));

    // One more between them.
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Example Keys 2026");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let between_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let between = params.signed_by(&between_key, &maker.issuer).unwrap().der().to_vec();
    let issuer = Issuer::new(params, between_key);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let end = leaf().signed_by(&key, &issuer).unwrap().der().to_vec();
    let key = Key::from_pkcs8(&key.serialize_der());
    let done = with(&key, &[end.clone(), between.clone()], &[maker.der()]).unwrap();
    assert_eq!(done.attested, Attested::Trusted);
    assert_eq!(with(&key, from_ref(&end), from_ref(&end)).unwrap().attested, Attested::Trusted, "itself");
    assert!(with(&key, &[end], &[maker.der()]).is_err(), "the one between is missing");
}

/// For the table of codes.
pub(crate) fn refused() {
    let maker = Maker::new("Example Keys CA");
    let bad = |change: fn(&mut CertificateParams), anchors: &[Vec<u8>]| {
        let mut params = leaf();
        change(&mut params);
        registering(&maker, params, anchors).expect_err("refused").code
    };
    let certificate = "webauthn.attestation.certificate";
    let changes: [fn(&mut CertificateParams); 10] = [
        |params| params.distinguished_name.push(DnType::CountryName, "de"),
        |params| params.distinguished_name.remove(DnType::CountryName).then_some(()).unwrap(),
        |params| params.distinguished_name.remove(DnType::OrganizationName).then_some(()).unwrap(),
        |params| params.distinguished_name.remove(DnType::CommonName).then_some(()).unwrap(),
        |params| params.distinguished_name.push(DnType::OrganizationalUnitName, "Attestation"),
        |params| params.is_ca = IsCa::NoCa,
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        |params| params.custom_extensions = vec![aaguid(&[1; 16])],
        |params| params.custom_extensions = vec![aaguid(&[0; 15])],
        |params| params.custom_extensions[0].set_criticality(true),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(bad(change, &[]), certificate, "change {number}");
    }

    let untrusted = "webauthn.attestation.untrusted";
    let other = Maker::new("Other CA").der();
    assert_eq!(bad(|_| {}, &[other]), untrusted);
    // The same name and another key.
    assert_eq!(bad(|_| {}, &[Maker::new("Example Keys CA").der()]), untrusted);
    assert_eq!(bad(|params| params.not_after = date_time_ymd(2020, 1, 1), &[maker.der()]), untrusted);
    assert_eq!(bad(|params| params.not_before = date_time_ymd(2040, 1, 1), &[maker.der()]), untrusted);
    assert_eq!(bad(|_| {}, &[vec![1, 2, 3]]), "webauthn.anchor.malformed");
    // A leaf that is no authority vouches for nobody below it.
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let end = leaf().signed_by(&key, &maker.issuer).unwrap().der().to_vec();
    let issuer = Issuer::new(leaf(), key);
    let below_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let below = leaf().signed_by(&below_key, &issuer).unwrap().der().to_vec();
    let key = Key::from_pkcs8(&below_key.serialize_der());
    assert_eq!(with(&key, &[below, end], &[maker.der()]).expect_err("refused").code, untrusted);
    // With anchors, nobody else is believed.
    for attestation in [Attestation::None, Attestation::Itself] {
        let mut passkey = passkey();
        let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
        let trust = Trust { anchors: &[maker.der()], now: NOW };
        let refused = register(&passkey.attested(&answer, &attestation), &expected(), &trust);
        assert_eq!(refused.expect_err("refused").code, untrusted);
    }
    // Signed by another key than the certificate's.
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = leaf().signed_by(&key, &maker.issuer).unwrap().der().to_vec();
    let stranger = Key::new(postern_software_authenticator::Kind::Es256);
    let refused = with(&stranger, &[certificate], NOBODY.anchors).expect_err("refused");
    assert_eq!(refused.code, "webauthn.attestation.mismatch");
}
