//! Documents that are signed in their parts: a Response and its Assertions.

mod support;

use postern_signature::{Algorithm, PublicKey};
use postern_xml::{Document, Limits, Place, SignedParts, Trust, Unsigned, Writer, Written};
use support::{Key, Native};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const AFTER_ISSUER: Place<'_> = Place::After { namespace: ASSERTION, local: "Issuer" };

fn verified(text: &str, keys: &[&Key]) -> Result<SignedParts, &'static str> {
    let keys: Vec<PublicKey> = keys.iter().map(|key| key.public.clone()).collect();
    let trust = Trust { keys: &keys, algorithms: &[Algorithm::Rs256, Algorithm::Es256] };
    let document = Document::read(text.as_bytes(), &Limits::default()).expect("well-formed");
    document
        .verify_parts((ASSERTION, "Assertion"), AFTER_ISSUER, &trust, &Native)
        .map_err(|refusal| refusal.code)
}

fn signed(written: Written, key: &Key) -> String {
    let unsigned = Unsigned::new(written, AFTER_ISSUER, key.algorithm).unwrap();
    let value = key.sign(unsigned.to_sign());
    unsigned.with_signature(&value, Some(&key.certificate)).into_string()
}

fn begin(writer: &mut Writer, id: &str, subject: &str) {
    writer
        .start("saml:Assertion")
        .attribute("xmlns:saml", ASSERTION)
        .attribute("ID", id)
        .leaf("saml:Issuer", "https://idp.example")
        .leaf("saml:Subject", subject)
        .end();
}

fn assertion(id: &str, subject: &str) -> Written {
    let mut writer = Writer::new();
    begin(&mut writer, id, subject);
    writer.finish()
}

/// A Response around this XML, without a signature of its own.
fn response(inside: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_response\">\
         <saml:Issuer>https://idp.example</saml:Issuer>{inside}</samlp:Response>"
    )
}

fn subjects(parts: &SignedParts) -> Vec<String> {
    let subject = |part: &postern_xml::Element| {
        part.elements_named(ASSERTION, "Subject").next().and_then(|subject| subject.text())
    };
    parts.parts.iter().filter_map(subject).collect()
}

#[test]
fn every_part_is_covered_by_its_own_signature() {
    let (rsa, ec) = (Key::rsa(), Key::p256());
    let (first, second) =
        (signed(assertion("_first", "anna"), &rsa), signed(assertion("_second", "bert"), &ec));
    let parts = verified(&response(&format!("{first}{second}")), &[&rsa, &ec]).unwrap();
    assert!(!parts.is_whole);
    assert_eq!(subjects(&parts), ["anna", "bert"]);
    // What is left of the root says nothing of its parts.
    assert_eq!(parts.frame.elements().count(), 1);
    assert!(parts.frame.elements_named(ASSERTION, "Issuer").next().is_some());
    for part in &parts.parts {
        assert!(part.elements().all(|child| child.name.local != "Signature"), "{part:?}");
    }
    assert_eq!(verified(&response(&first), &[&ec]), Err("xml.signature.no-key"));
    assert_eq!(verified(&response(&first), &[&Key::rsa()]), Err("xml.signature.mismatch"));
}

#[test]
fn a_root_that_is_signed_covers_everything() {
    let key = Key::p256();
    let mut writer = Writer::new();
    writer
        .start("samlp:Response")
        .attribute("xmlns:samlp", PROTOCOL)
        .attribute("xmlns:saml", ASSERTION)
        .attribute("ID", "_response")
        .leaf("saml:Issuer", "https://idp.example");
    begin(&mut writer, "_first", "anna");
    writer.end();
    let whole = signed(writer.finish(), &key);
    let parts = verified(&whole, &[&key]).unwrap();
    assert!(parts.is_whole);
    assert_eq!(subjects(&parts), ["anna"]);
    let tampered = whole.replace("anna", "root");
    assert_eq!(verified(&tampered, &[&key]), Err("xml.digest.mismatch"));
    // Something more beside what was signed.
    let forged = assertion("_second", "root").as_str().to_owned();
    let wrapped = whole.replace("</samlp:Response>", &format!("{forged}</samlp:Response>"));
    assert_eq!(verified(&wrapped, &[&key]), Err("xml.digest.mismatch"));
}

#[test]
fn nothing_unsigned_stands_beside_what_is_signed() {
    let key = Key::p256();
    let good = signed(assertion("_first", "anna"), &key);
    let forged = assertion("_second", "root").as_str().to_owned();
    for (inside, code) in [
        (String::new(), "xml.signature.missing"),
        (forged.clone(), "xml.signature.missing"),
        (format!("{good}{forged}"), "xml.signature.missing"),
        (format!("{forged}{good}"), "xml.signature.missing"),
        // The genuine one where nobody looks for it, a forged one in its place.
        (format!("<samlp:Extensions>{good}</samlp:Extensions>{forged}"), "xml.signature.misplaced"),
        (format!("<samlp:Extensions>{good}</samlp:Extensions>"), "xml.signature.misplaced"),
        (good.replace("anna", "root"), "xml.digest.mismatch"),
        (good.replace("_first", "_other"), "xml.signature.mismatch"),
    ] {
        // An identifier in SignedInfo is signed too, that of the element is not.
        let found = verified(&response(&inside), &[&key]).map(|_| ());
        assert_eq!(found, Err(code), "{inside}");
    }
    // A genuine signature of another element, moved into the forged one.
    let (from, to) = (
        good.find("<ds:Signature").or(good.find("<Signature")).unwrap(),
        good.find("<saml:Subject").unwrap(),
    );
    let signature = good.get(from..to).unwrap();
    let moved = forged.replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"));
    assert_eq!(verified(&response(&moved), &[&key]), Err("xml.signature.reference.foreign"));
    // Two of one element, one of an element that is no part, one that is not behind Issuer.
    let twice = good.replacen(signature, &format!("{signature}{signature}"), 1);
    assert_eq!(verified(&response(&twice), &[&key]), Err("xml.signature.several"));
    let astray = response(&format!("{good}<samlp:Extensions>{signature}</samlp:Extensions>"));
    assert_eq!(verified(&astray, &[&key]), Err("xml.signature.misplaced"));
    let first =
        good.replacen(signature, "", 1).replacen("<saml:Issuer>", &format!("{signature}<saml:Issuer>"), 1);
    assert_eq!(verified(&response(&first), &[&key]), Err("xml.signature.misplaced"));
}
