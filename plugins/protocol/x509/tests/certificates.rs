//! Certificates made for the occasion, good ones and each kind of bad one.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use postern_refusal::Fault;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use postern_x509::{Authority, ClientCertificate, MAX_DER, NameKind, Trust, Vouched, certificates_of_pem};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    OtherNameValue, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512, SanType, SignatureAlgorithm, date_time_ymd,
};

const NOW: u64 = 1_790_000_000;
const UPN: &[u64] = &[1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];

struct Lc;

impl Verifier for Lc {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::EdDsa => &ED25519,
            Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        };
        let key = UnparsedPublicKey::new(algorithm, key.spki());
        key.verify(message, signature).map_err(|_| VerifyError::Mismatch)
    }
}

/// Whoever issues.
struct Maker {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

impl Maker {
    fn new(name: &str) -> Self {
        Self::with(authority(name), &PKCS_ECDSA_P256_SHA256)
    }

    fn with(params: CertificateParams, algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn below(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, params: &CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        params.signed_by(&key, &self.issuer).unwrap().der().to_vec()
    }

    fn authority(&self) -> Authority {
        Authority::read(self.certificate.der()).unwrap()
    }
}

/// Anna's.
fn leaf() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called("Anna Example");
    params.distinguished_name.push(DnType::CustomDnType(SERIAL_NUMBER.into()), "4711");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![
        SanType::Rfc822Name("anna@example.com".try_into().unwrap()),
        SanType::OtherName((UPN.into(), OtherNameValue::Utf8String("anna@corp.example".into()))),
    ];
    params
}

fn judge(der: &[u8], anchors: &[Authority], intermediates: &[Authority]) -> Result<Vouched, &'static str> {
    judge_at(der, anchors, intermediates, NOW)
}

fn judge_at(
    der: &[u8],
    anchors: &[Authority],
    intermediates: &[Authority],
    now: u64,
) -> Result<Vouched, &'static str> {
    let trust = Trust { anchors, intermediates, now };
    ClientCertificate::read(der)
        .and_then(|certificate| certificate.judge(&trust, &Lc))
        .map_err(|refusal| refusal.code)
}

fn code(der: &[u8], anchors: &[Authority]) -> &'static str {
    judge(der, anchors, &[]).expect_err("refused")
}

#[test]
fn a_certificate_of_a_trusted_authority_is_good() {
    let (maker, other) = (Maker::new("Example CA"), Maker::new("Other CA"));
    let der = maker.issue(&leaf());
    let vouched = judge(&der, &[other.authority(), maker.authority()], &[]).unwrap();
    let certificate = ClientCertificate::read(&der).unwrap();
    for (kind, name) in [
        (NameKind::SanEmail, "anna@example.com"),
        (NameKind::SanUpn, "anna@corp.example"),
        (NameKind::SubjectCommonName, "Anna Example"),
        (NameKind::SubjectSerialNumber, "4711"),
    ] {
        assert_eq!(certificate.name(kind).unwrap(), name);
    }
    // The authority renews its own certificate, with the key that it has: for its holders nothing changes.
    let renewed = authority("Example CA").self_signed(maker.issuer.key()).unwrap();
    let renewed = Authority::read(renewed.der()).unwrap();
    assert_eq!(judge(&der, &[renewed], &[]).unwrap(), vouched);
    let other_key = Maker::new("Example CA");
    let from_other = judge(&other_key.issue(&leaf()), &[other_key.authority()], &[]).unwrap();
    assert_ne!(from_other, vouched, "the same name, another authority");
}

#[test]
fn each_algorithm_that_the_kernel_verifies() {
    for algorithm in [
        &PKCS_ED25519,
        &PKCS_RSA_SHA256,
        &PKCS_RSA_SHA384,
        &PKCS_RSA_SHA512,
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
    ] {
        let maker = Maker::with(authority("Example CA"), algorithm);
        assert!(judge(&maker.issue(&leaf()), &[maker.authority()], &[]).is_ok());
    }
    // An authority of another kind is one, and what it signs can't be judged.
    let maker = Maker::with(authority("P-521 CA"), &PKCS_ECDSA_P521_SHA512);
    assert_eq!(code(&maker.issue(&leaf()), &[maker.authority()]), "certificate.algorithm.unknown");
}

/// Made by OpenSSL, since rcgen has no RSASSA-PSS: `openssl x509 -req -sigopt rsa_padding_mode:pss -sigopt
/// rsa_pss_saltlen:32`, and 20.
#[test]
fn rsassa_pss_has_a_salt_of_32_bytes() {
    let der = |pem| certificates_of_pem(pem).unwrap().remove(0);
    let anchors = [Authority::read(&der(include_str!("pss/ca.pem"))).unwrap()];
    let judge = |leaf| judge_at(&der(leaf), &anchors, &[], 1_900_000_000);
    assert!(judge(include_str!("pss/leaf-salt-32.pem")).is_ok());
    assert_eq!(judge(include_str!("pss/leaf-salt-20.pem")), Err("certificate.algorithm.unknown"));
    let mut forged = der(include_str!("pss/leaf-salt-32.pem"));
    *forged.last_mut().unwrap() ^= 1;
    let trust = Trust { anchors: &anchors, intermediates: &[], now: 1_900_000_000 };
    let refusal = ClientCertificate::read(&forged).unwrap().judge(&trust, &Lc).unwrap_err();
    assert_eq!(refusal.code, "certificate.signature.wrong");
}

#[test]
fn authorities_between() {
    let root = Maker::new("Root");
    let mut params = authority("First");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    let first = root.below(params);
    let second = first.below(authority("Second"));
    let third = second.below(authority("Third"));
    let anchors = [root.authority()];
    let between = [third.authority(), second.authority(), first.authority()];
    assert!(judge(&first.issue(&leaf()), &anchors, &between).is_ok());
    assert!(judge(&second.issue(&leaf()), &anchors, &between).is_ok(), "three authorities");
    // Four are too many, wherever they are constrained.
    let unconstrained = root.below(authority("A"));
    let b = unconstrained.below(authority("B"));
    let c = b.below(authority("C"));
    let between_them = [unconstrained.authority(), b.authority(), c.authority()];
    assert!(judge(&b.issue(&leaf()), &anchors, &between_them).is_ok());
    assert_eq!(
        judge(&c.issue(&leaf()), &anchors, &between_them).unwrap_err(),
        "certificate.issuer.unknown",
        "the way ends before the anchor"
    );
    // The second one is missing; and a way that leads nowhere beside a good one.
    assert_eq!(
        judge(&second.issue(&leaf()), &anchors, &[first.authority()]).unwrap_err(),
        "certificate.issuer.unknown"
    );
    let impostor = Maker::new("First");
    assert!(judge(&first.issue(&leaf()), &anchors, &[impostor.authority(), first.authority()]).is_ok());
    // A path of no authorities below.
    let mut params = authority("None below");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let strict = Maker::with(params, &PKCS_ECDSA_P256_SHA256);
    let below = strict.below(authority("Below"));
    assert!(judge(&strict.issue(&leaf()), &[strict.authority()], &[]).is_ok());
    assert_eq!(
        judge(&below.issue(&leaf()), &[strict.authority()], &[below.authority()]).unwrap_err(),
        "certificate.path-length"
    );
    // Two that issued each other lead round in a circle, and it ends.
    let one = Maker::new("One");
    let two = one.below(authority("Two"));
    let crossed = authority("One").signed_by(one.issuer.key(), &two.issuer).unwrap();
    let circle = [two.authority(), Authority::read(crossed.der()).unwrap()];
    assert_eq!(
        judge(&two.issue(&leaf()), &[root.authority()], &circle).unwrap_err(),
        "certificate.issuer.unknown"
    );
}

#[test]
fn nobody_else_is_believed() {
    let maker = Maker::new("Example CA");
    let der = maker.issue(&leaf());
    let trusted = [maker.authority()];
    assert_eq!(code(&der, &[]), "certificate.issuer.unknown");
    assert_eq!(code(&der, &[Maker::new("Other CA").authority()]), "certificate.issuer.unknown");
    assert_eq!(code(&der, &[Maker::new("Example CA").authority()]), "certificate.signature.wrong");
    // One that signs itself under the authority's name.
    let mut params = leaf();
    params.distinguished_name = called("Example CA");
    let itself = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    assert_eq!(code(itself.der(), &trusted), "certificate.signature.wrong");
    // What a person's certificate signs.
    let person = maker.below(leaf());
    assert_eq!(code(&person.issue(&leaf()), &trusted), "certificate.issuer.unknown");
    // Every bit of it is signed, or is the signature.
    for index in (0..der.len()).step_by(7) {
        let mut changed = der.clone();
        changed[index] ^= 1;
        assert!(judge(&changed, &trusted, &[]).is_err(), "byte {index}");
    }
}

#[test]
fn when_it_is_valid() {
    let maker = Maker::new("Example CA");
    let mut params = leaf();
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 12, 31));
    let der = maker.issue(&params);
    let anchors = [maker.authority()];
    let (from, until) = (1_767_225_600, 1_798_675_200);
    for (now, verdict) in [
        (from - 1, Err("certificate.not-yet-valid")),
        (from, Ok(())),
        (until, Ok(())),
        (until + 1, Err("certificate.expired")),
    ] {
        assert_eq!(judge_at(&der, &anchors, &[], now).map(|_| ()), verdict, "{now}");
    }
    let mut params = authority("Old CA");
    (params.not_before, params.not_after) = (date_time_ymd(2010, 1, 1), date_time_ymd(2020, 1, 1));
    let old = Maker::with(params, &PKCS_ECDSA_P256_SHA256);
    assert_eq!(code(&old.issue(&leaf()), &[old.authority()]), "certificate.authority.expired");
}

#[test]
fn what_is_no_certificate_of_a_person() {
    let maker = Maker::new("Example CA");
    let anchors = [maker.authority()];
    let changed = |change: fn(&mut CertificateParams)| {
        let mut params = leaf();
        change(&mut params);
        code(&maker.issue(&params), &anchors)
    };
    let unknown = |critical: bool| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(critical);
        extension
    };
    let with = |extensions: Vec<CustomExtension>| {
        let mut params = leaf();
        params.custom_extensions = extensions;
        maker.issue(&params)
    };
    assert_eq!(
        changed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        "certificate.authority.shown"
    );
    assert_eq!(code(maker.certificate.der(), &anchors), "certificate.authority.shown");
    assert_eq!(
        changed(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]),
        "certificate.key-usage"
    );
    assert_eq!(
        changed(|params| params.key_usages.push(KeyUsagePurpose::KeyCertSign)),
        "certificate.key-usage"
    );
    for purposes in [vec![], vec![ExtendedKeyUsagePurpose::ServerAuth], vec![ExtendedKeyUsagePurpose::Any]] {
        let mut params = leaf();
        params.extended_key_usages = purposes;
        assert_eq!(code(&maker.issue(&params), &anchors), "certificate.purpose");
    }
    assert!(judge(&with(vec![unknown(false)]), &anchors, &[]).is_ok());
    assert_eq!(code(&with(vec![unknown(true)]), &anchors), "certificate.extension.critical");
    assert_eq!(code(&with(vec![unknown(false), unknown(false)]), &anchors), "certificate.extension.twice");
    let second_purpose = CustomExtension::from_oid_content(&[2, 5, 29, 37], vec![0x30, 4, 6, 2, 0x2a, 3]);
    assert_eq!(code(&with(vec![second_purpose]), &anchors), "certificate.extension.twice");
    for content in [vec![0x30, 3, 1, 1, 0x00], vec![0x30, 0, 0], vec![5, 0]] {
        let mut params = leaf();
        params.is_ca = IsCa::NoCa;
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 19], content)];
        assert_eq!(code(&maker.issue(&params), &anchors), "certificate.extension.malformed");
    }
    let constraints = CustomExtension::from_oid_content(&[2, 5, 29, 30], vec![0x30, 0]);
    assert_eq!(code(&with(vec![constraints]), &anchors), "certificate.name-constraints");
}

#[test]
fn what_is_no_certificate() {
    let maker = Maker::new("Example CA");
    let anchors = [maker.authority()];
    let der = maker.issue(&leaf());
    let malformed = "certificate.malformed";
    assert_eq!(code(&[], &anchors), malformed);
    assert_eq!(code(b"-----BEGIN CERTIFICATE-----", &anchors), malformed);
    assert_eq!(code(&[&der[..], &[0]].concat(), &anchors), malformed, "more behind it");
    for length in (0..der.len()).step_by(11) {
        assert_eq!(code(&der[..length], &anchors), malformed, "cut to {length}");
    }
    // BER's indefinite length, and a length that is written longer than it has to be.
    let mut indefinite = der.clone();
    indefinite[1] = 0x80;
    assert_eq!(code(&indefinite, &anchors), malformed);
    let longer = [&[0x30, 0x83, 0, der[2], der[3]], &der[4..]].concat();
    assert_eq!(code(&longer, &anchors), malformed);
    // The other signature algorithm: only the inner one is signed.
    let at = der.windows(8).rposition(|bytes| bytes == [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]).unwrap();
    let mut other = der.clone();
    other[at + 7] = 3;
    assert_eq!(code(&other, &anchors), malformed);

    let mut params = leaf();
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![0; MAX_DER])];
    assert_eq!(code(&maker.issue(&params), &anchors), "certificate.too-large");
}

#[test]
fn a_name_is_there_once_and_can_be_read() {
    let maker = Maker::new("Example CA");
    let named = |kind, change: &dyn Fn(&mut CertificateParams)| {
        let mut params = leaf();
        change(&mut params);
        let certificate = ClientCertificate::read(&maker.issue(&params)).unwrap();
        certificate.name(kind).map_err(|refusal| refusal.code)
    };
    let (missing, several, malformed) =
        ("certificate.name.missing", "certificate.name.several", "certificate.name.malformed");
    for kind in [NameKind::SanEmail, NameKind::SanUpn] {
        assert_eq!(named(kind, &|params| params.subject_alt_names.clear()), Err(missing));
    }
    for kind in [NameKind::SubjectCommonName, NameKind::SubjectSerialNumber] {
        assert_eq!(named(kind, &|params| params.distinguished_name = DistinguishedName::new()), Err(missing));
    }
    let email = |text: &'static str| SanType::Rfc822Name(text.try_into().unwrap());
    let upn = |text: &str| SanType::OtherName((UPN.into(), OtherNameValue::Utf8String(text.into())));
    assert_eq!(
        named(NameKind::SanEmail, &|params| params.subject_alt_names.push(email("bob@example.com"))),
        Err(several)
    );
    assert_eq!(named(NameKind::SanUpn, &|params| params.subject_alt_names.push(upn("bob"))), Err(several));
    for wrong in ["", "anna\0@example.com", "anna@example.com\0.evil.example", "a\nb", " anna", "anna "] {
        assert_eq!(
            named(NameKind::SanEmail, &|params| params.subject_alt_names = vec![email(wrong)]),
            Err(malformed)
        );
        assert_eq!(
            named(NameKind::SanUpn, &|params| params.subject_alt_names = vec![upn(wrong)]),
            Err(malformed)
        );
        assert_eq!(
            named(NameKind::SubjectCommonName, &|params| params.distinguished_name = called(wrong)),
            Err(malformed)
        );
    }
    let long = "a".repeat(257);
    assert_eq!(
        named(NameKind::SubjectCommonName, &|params| params.distinguished_name = called(&long)),
        Err(malformed)
    );
    // An alphabet in which `admin` can be written in two ways is none.
    let teletex = DnValue::BmpString("anna".try_into().unwrap());
    assert_eq!(
        named(NameKind::SubjectCommonName, &|params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, teletex.clone());
        }),
        Err(malformed)
    );
}

#[test]
fn settings_of_the_operator() {
    let refused = |params: CertificateParams| {
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let refusal = Authority::read(certificate.der()).expect_err("refused");
        assert_eq!(refusal.fault, Fault::Configuration);
        refusal.code
    };
    let unfit = "certificate.authority.unfit";
    assert_eq!(refused(leaf()), unfit);
    let mut params = authority("Signs lists alone");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    assert_eq!(refused(params), unfit);
    let mut params = authority("Servers alone");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(refused(params), unfit);
    let mut params = authority("Nobody");
    params.distinguished_name = DistinguishedName::new();
    assert_eq!(refused(params), unfit);
    let mut params = authority("Unknown");
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions = vec![extension];
    assert_eq!(refused(params), unfit);
    let mut params = authority("One company");
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::Rfc822Name("example.com".into())],
        excluded_subtrees: vec![],
    });
    assert_eq!(refused(params), "certificate.authority.name-constraints");
    assert_eq!(Authority::read(&[1, 2, 3]).unwrap_err().code, "certificate.authority.malformed");

    let (one, two) = (Maker::new("One"), Maker::new("Two"));
    let text = format!("{}\n{}", one.certificate.pem(), two.certificate.pem().replace('\n', "\r\n"));
    let read = certificates_of_pem(&text).unwrap();
    assert_eq!(read, [one.certificate.der().to_vec(), two.certificate.der().to_vec()]);
    let pem = one.certificate.pem();
    for wrong in [
        String::new(),
        "x".into(),
        format!("comment\n{pem}"),
        pem.replace("-----END CERTIFICATE-----", ""),
        pem.replace("CERTIFICATE", "PRIVATE KEY"),
        format!("{pem}{}", KeyPair::generate().unwrap().serialize_pem()),
        pem.replace("MII", "M!I"),
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".into(),
    ] {
        assert_eq!(certificates_of_pem(&wrong).unwrap_err().code, "certificate.pem.malformed", "{wrong}");
    }
}

proptest::proptest! {
    /// Nothing panics, and nothing that is not signed is believed.
    #[test]
    fn bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        proptest::prop_assert!(ClientCertificate::read(&bytes).is_err());
    }
}
