//! Enveloped signatures against xmlsec1, in both directions, and against wrapping.

mod support;

use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey};
use postern_xml::{Document, Element, Limits, Place, Trust, Unsigned, Writer, Written};
use support::{Key, Native, xmlsec_sign, xmlsec_verifies};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const AFTER_ISSUER: Place<'_> = Place::After { namespace: ASSERTION, local: "Issuer" };
const ALL: [Algorithm; 5] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Es256, Algorithm::Es384];

fn verify(text: &str, keys: &[&PublicKey]) -> Result<Element, Refusal> {
    let keys: Vec<PublicKey> = keys.iter().map(|key| (*key).clone()).collect();
    let trust = Trust { keys: &keys, algorithms: &ALL };
    Ok(Document::read(text.as_bytes(), &Limits::default())?
        .verify(AFTER_ISSUER, &trust, &Native)?
        .into_element())
}

fn code(text: &str, key: &Key) -> &'static str {
    verify(text, &[&key.public]).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
}

fn message() -> Written {
    let mut writer = Writer::new();
    writer
        .start("samlp:AuthnRequest")
        .attribute("xmlns:samlp", PROTOCOL)
        .attribute("xmlns:saml", ASSERTION)
        .attribute("ForceAuthn", "true")
        .attribute("ID", "_0123456789abcdef")
        .leaf("saml:Issuer", "https://sp.example/?a=1&b=\u{e4}")
        .start("samlp:NameIDPolicy")
        .attribute("Format", "x\ty")
        .end();
    writer.finish()
}

fn signed(key: &Key) -> String {
    let unsigned = Unsigned::new(message(), AFTER_ISSUER, key.algorithm).unwrap();
    let value = key.sign(unsigned.to_sign());
    unsigned.with_signature(&value, Some(&key.certificate)).into_string()
}

fn template(method: &str, digest: &str, c14n: &str) -> String {
    const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let signature = format!(
        "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\n<SignedInfo>\n \
         <CanonicalizationMethod Algorithm=\"{EXC}\"/><SignatureMethod Algorithm=\"{method}\"/>\
         <Reference URI=\"#_0123456789abcdef\"><Transforms>\
         <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <Transform Algorithm=\"{EXC}\">{c14n}</Transform></Transforms>\
         <DigestMethod Algorithm=\"{digest}\"/><DigestValue></DigestValue></Reference></SignedInfo>\
         <SignatureValue/></Signature>"
    );
    format!(
        "<p:AuthnRequest xmlns:p=\"{PROTOCOL}\" xmlns:unused=\"urn:u\" b='2' a='1' ID=\"_0123456789abcdef\">\
         <Issuer xmlns=\"{ASSERTION}\">https://sp.example</Issuer>{signature}\n <p:Extensions/></p:AuthnRequest>"
    )
}

#[test]
fn xmlsec_verifies_what_we_sign_and_so_do_we() {
    for key in [Key::rsa(), Key::p256()] {
        let text = signed(&key);
        assert!(xmlsec_verifies(&text, &key, "AuthnRequest"), "{}", key.algorithm);
        let element = verify(&text, &[&key.public]).unwrap();
        let plain = message();
        let expected =
            Document::read(plain.as_str().as_bytes(), &Limits::default()).unwrap().into_unsigned().unwrap();
        assert_eq!(element, expected);
        assert!(!xmlsec_verifies(&text.replace("ForceAuthn", "forceAuthn"), &key, "AuthnRequest"));
    }
}

#[test]
fn we_verify_what_xmlsec_signs() {
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let enc = "http://www.w3.org/2001/04/xmlenc#";
    let prefixes = "<InclusiveNamespaces xmlns=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
                    PrefixList=\"unused #default xs\"/>";
    let (rsa, p256) = (Key::rsa(), Key::p256());
    for (key, method, digest, c14n) in [
        (&rsa, format!("{more}rsa-sha256"), format!("{enc}sha256"), ""),
        (&rsa, format!("{more}rsa-sha384"), format!("{more}sha384"), prefixes),
        (&rsa, format!("{more}rsa-sha512"), format!("{enc}sha512"), ""),
        (&p256, format!("{more}ecdsa-sha256"), format!("{enc}sha256"), prefixes),
    ] {
        let text = xmlsec_sign(&template(&method, &digest, c14n), key, "AuthnRequest");
        let element = verify(&text, &[&Key::p256().public, &key.public]).unwrap();
        assert!(element.name.is(PROTOCOL, "AuthnRequest"));
        assert_eq!(element.attribute("b"), Some("2"));
        assert_eq!(element.elements().count(), 2, "the signature is gone");
    }
}

#[test]
fn tampering_foreign_keys_and_weak_algorithms_are_refused() {
    let key = Key::rsa();
    let text = signed(&key);
    assert_eq!(code(&text, &key), "accepted");
    assert_eq!(code(&text, &Key::rsa()), "xml.signature.mismatch");
    assert_eq!(code(&text, &Key::p256()), "xml.signature.no-key");
    assert_eq!(verify(&text, &[]).unwrap_err().code, "xml.signature.no-key");
    assert_eq!(code(message().as_str(), &key), "xml.signature.missing");
    let tampered = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        code(&text.replacen(from, to, 1), &key)
    };
    assert_eq!(tampered("ForceAuthn=\"true\"", "ForceAuthn=\"false\""), "xml.digest.mismatch");
    assert_eq!(tampered("<ds:DigestValue>", "<ds:DigestValue> "), "xml.signature.mismatch");
    assert_eq!(tampered("#rsa-sha256", "#rsa-sha1"), "xml.signature.sha1");
    assert_eq!(tampered("#rsa-sha256", "#hmac-sha256"), "xml.signature.algorithm.unknown");
    assert_eq!(tampered("<ds:SignatureValue>", "<ds:SignatureValue>*"), "xml.signature.base64");
    assert_eq!(tampered("<ds:KeyInfo>", "<ds:Object/><ds:KeyInfo>"), "xml.signature.structure");
    assert_eq!(tampered("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"), "xml.signature.structure");
    let only_ecdsa = Trust { keys: std::slice::from_ref(&key.public), algorithms: &[Algorithm::Es256] };
    let refused = Document::read(text.as_bytes(), &Limits::default())
        .unwrap()
        .verify(AFTER_ISSUER, &only_ecdsa, &Native)
        .unwrap_err();
    assert_eq!(refused.code, "xml.signature.algorithm.not-allowed");
    let unsigned = Document::read(text.as_bytes(), &Limits::default()).unwrap().into_unsigned();
    assert_eq!(unsigned.unwrap_err().code, "xml.signature.unexpected");
}

/// No signature covers KeyInfo, so that any of it could stand beside a good one.
#[test]
fn a_key_info_names_a_key_and_no_more() {
    let key = Key::rsa();
    let text = signed(&key);
    let (before, rest) = text.split_once("<ds:KeyInfo>").expect("a KeyInfo");
    let (_, after) = rest.split_once("</ds:KeyInfo>").expect("its end");
    let with = |key_info: &str| code(&format!("{before}{key_info}{after}"), &key);
    for good in [
        "",
        "<ds:KeyInfo/>",
        "<ds:KeyInfo Id=\"k\"><ds:KeyName>sp</ds:KeyName></ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AA==</ds:Modulus><ds:Exponent>AQAB</ds:Exponent>\
         </ds:RSAKeyValue></ds:KeyValue><ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=a\
         </ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>\
         </ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyValue><e:ECKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\"><e:NamedCurve \
         URI=\"urn:oid:1.2.840.10045.3.1.7\"/><e:PublicKey>AA==</e:PublicKey></e:ECKeyValue></ds:KeyValue>\
         </ds:KeyInfo>",
    ] {
        assert_eq!(with(good), "accepted", "{good}");
    }
    for content in [
        "<ds:RetrievalMethod URI=\"http://127.0.0.1:9/\"/>",
        "<ds:RetrievalMethod URI=\"#x\"><ds:Transforms><ds:Transform Algorithm=\"\
         http://www.w3.org/TR/1999/REC-xslt-19991116\"/></ds:Transforms></ds:RetrievalMethod>",
        "<e:KeyInfoReference xmlns:e=\"http://www.w3.org/2009/xmldsig11#\" URI=\"file:///etc/passwd\"/>",
        "<e:DEREncodedKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\">AA==</e:DEREncodedKeyValue>",
        "<e:EncryptedKey xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\"/>",
        "<e:AgreementMethod xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\"/>",
        "<ds:MgmtData>a</ds:MgmtData>",
        "<ds:KeyName><ds:KeyName>a</ds:KeyName></ds:KeyName>",
        "<ds:KeyName URI=\"http://127.0.0.1:9/\">a</ds:KeyName>",
        "<ds:X509Data><ds:X509CRL>AA==</ds:X509CRL></ds:X509Data>",
        "<ds:X509Data><x:y xmlns:x=\"urn:x\"/></ds:X509Data>",
        "<ds:KeyValue><e:ECKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\"><e:NamedCurve \
         URI=\"http://127.0.0.1:9/\"/></e:ECKeyValue></ds:KeyValue>",
    ] {
        assert_eq!(
            with(&format!("<ds:KeyInfo>{content}</ds:KeyInfo>")),
            "xml.signature.key-info",
            "{content}"
        );
    }
}

#[test]
fn signatures_of_another_shape_are_refused_even_when_they_are_good() {
    let key = Key::rsa();
    let good = template(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "",
    );
    let sign = |document: String| code(&xmlsec_sign(&document, &key, "AuthnRequest"), &key);
    assert_eq!(sign(good.clone()), "accepted");
    // The whole document instead of an ID.
    assert_eq!(sign(good.replace("#_0123456789abcdef", "")), "xml.signature.reference.foreign");
    let c14n = "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></Transform>";
    assert_eq!(sign(good.replace(c14n, "")), "xml.signature.transforms");
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let other = good.replace(c14n, &format!("<Transform Algorithm=\"{inclusive}\"/>"));
    assert_eq!(sign(other), "xml.signature.transforms");
    let other = good.replacen("http://www.w3.org/2001/10/xml-exc-c14n#", inclusive, 1);
    assert_eq!(sign(other), "xml.signature.c14n.unsupported");
    let sha1 =
        good.replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    assert_eq!(sign(sha1), "xml.digest.sha1");
    let two = good.replace(
        "</Reference>",
        "</Reference><Reference URI=\"\"><Transforms>\
        <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></Transforms>\
        <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue/></Reference>",
    );
    assert_eq!(sign(two), "xml.signature.references");
}

/// The eight wrappings of "On Breaking SAML" (Somorovsky et al.), carried over to a signed root:
/// the genuine element is kept somewhere, and a forged one stands where it is read.
#[test]
fn wrapped_signatures_are_refused() {
    let key = Key::rsa();
    let genuine = signed(&key);
    let start = genuine.find("<ds:Signature ").unwrap();
    let end = genuine.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &genuine[start..end];
    let without = format!("{}{}", &genuine[..start], &genuine[end..]);
    let evil = |id: &str, after_issuer: &str, last: &str| {
        format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\">\
             <saml:Issuer>https://evil.example</saml:Issuer>{after_issuer}{last}</samlp:AuthnRequest>"
        )
    };
    let in_object =
        signature.replace("</ds:Signature>", &format!("<ds:Object>{without}</ds:Object></ds:Signature>"));
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    let id = "_0123456789abcdef";
    for (name, text, expected) in [
        ("1: genuine in Object, other ID", evil("_evilevil", &in_object, ""), "xml.signature.structure"),
        (
            "2: genuine beside the signature",
            evil("_evilevil", signature, &without),
            "xml.signature.reference.foreign",
        ),
        ("3: genuine whole as a child", evil("_evilevil", "", &genuine), "xml.signature.misplaced"),
        ("4: genuine whole right after Issuer", evil("_evilevil", &genuine, ""), "xml.signature.misplaced"),
        ("5: signature first, genuine last, same ID", evil(id, signature, &without), "xml.id.duplicate"),
        ("6: genuine in Object, same ID", evil(id, &in_object, ""), "xml.id.duplicate"),
        ("7: genuine in Extensions", evil("_evilevil", "", &extensions(&genuine)), "xml.signature.misplaced"),
        (
            "8: genuine without signature in Extensions",
            evil("_evilevil", signature, &extensions(&without)),
            "xml.signature.reference.foreign",
        ),
        ("two signatures", evil("_evilevil", signature, &extensions(&genuine)), "xml.signature.several"),
    ] {
        assert_eq!(code(&text, &key), expected, "{name}");
    }
}

#[test]
fn every_reason_of_a_signature_has_a_test() {
    let key = Key::rsa();
    let good = template(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "",
    );
    let genuine = xmlsec_sign(&good, &key, "AuthnRequest");
    assert_eq!(code(&genuine.replacen(" ID=\"_0123456789abcdef\"", "", 1), &key), "xml.id.missing");
    assert_eq!(code(&genuine.replacen("_0123456789abcdef\"", "\"", 1), &key), "xml.id.missing");
    // An ID in another namespace is none, wherever it stands.
    let foreign = genuine.replacen(" ID=", " xmlns:x=\"urn:x\" x:ID=", 1);
    assert_eq!(code(&foreign, &key), "xml.id.missing");
    let mut writer = Writer::new();
    writer.start("r").attribute("xmlns:x", "urn:x").attribute("x:ID", "_other").attribute("ID", "_plain");
    writer.start("i").attribute("xmlns", ASSERTION);
    let first = Unsigned::new(writer.finish(), Place::First, key.algorithm).unwrap();
    assert!(String::from_utf8_lossy(first.to_sign()).contains("URI=\"#_plain\""));

    let list = |count: usize| {
        let prefixes: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
        let c14n = format!(
            "<InclusiveNamespaces xmlns=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{}\"/>",
            prefixes.join(" ")
        );
        template(
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmlenc#sha256",
            &c14n,
        )
    };
    assert_eq!(code(&xmlsec_sign(&list(16), &key, "AuthnRequest"), &key), "accepted");
    assert_eq!(code(&xmlsec_sign(&list(17), &key, "AuthnRequest"), &key), "xml.signature.prefixes");
    let sha224 = good
        .replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha224");
    assert_eq!(code(&xmlsec_sign(&sha224, &key, "AuthnRequest"), &key), "xml.digest.algorithm.unknown");
}

/// Canonical XML repeats a namespace on every element that uses it.
#[test]
fn a_signed_info_that_canonicalisation_would_blow_up_is_refused_by_its_shape() {
    let key = Key::rsa();
    let good = signed(&key);
    let declared = format!("<ds:SignedInfo xmlns:z=\"urn:{}\"", "u".repeat(200));
    let many = "<z:x/>".repeat(400);
    let bomb = |from: &str, to: String| {
        assert!(good.contains(from), "{from}");
        good.replacen("<ds:SignedInfo", &declared, 1).replacen(from, &to, 1)
    };
    let beside = bomb("</ds:SignedInfo>", format!("{many}</ds:SignedInfo>"));
    assert_eq!(code(&beside, &key), "xml.signature.references");
    let inside = bomb("</ds:DigestValue>", format!("{many}</ds:DigestValue>"));
    assert_eq!(code(&inside, &key), "xml.signature.structure");
}
