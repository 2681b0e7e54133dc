//! The one shape that a signature may have.
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_refusal::Refusal;

use super::{DSIG, ENVELOPED, EXC_C14N};
use crate::Element;

/// Most prefixes in a PrefixList.
const MAX_PREFIXES: usize = 16;

/// A ds:Signature taken apart, before anything of it is believed.
pub(crate) struct SignatureParts {
    pub(crate) method: String,
    pub(crate) prefixes: Vec<String>,
    pub(crate) value: Vec<u8>,
}

/// A ds:Reference, read from a SignedInfo whose signature is good.
pub(crate) struct Reference {
    pub(crate) uri: String,
    pub(crate) prefixes: Vec<String>,
    pub(crate) digest_method: String,
    pub(crate) digest: Vec<u8>,
}

/// Reads SignedInfo's methods and the value. KeyInfo may stand there: it is looked
/// at once the signature is known to be good.
pub(crate) fn signature_parts(signature: &Element) -> Result<SignatureParts, Refusal> {
    only_attributes(signature, &["Id"])?;
    let mut children = signature.elements();
    let signed_info = named(children.next(), "SignedInfo")?;
    let value = named(children.next(), "SignatureValue")?;
    if let Some(key_info) = children.next() {
        named(Some(key_info), "KeyInfo")?;
    }
    nothing_more(children.next())?;
    let (method, prefixes) = methods(signed_info)?;
    Ok(SignatureParts { method, prefixes, value: binary(value)? })
}

fn methods(signed_info: &Element) -> Result<(String, Vec<String>), Refusal> {
    let mut children = signed_info.elements();
    let c14n = named(children.next(), "CanonicalizationMethod")?;
    let method = named(children.next(), "SignatureMethod")?;
    nothing_more(method.elements().next())?;
    Ok((algorithm(method)?.to_owned(), exclusive_c14n(c14n)?))
}

/// Reads the Reference of a SignedInfo: exactly one, with exactly the two transforms.
pub(crate) fn reference(signed_info: &Element) -> Result<Reference, Refusal> {
    only_attributes(signed_info, &["Id"])?;
    let mut children = signed_info.elements().skip(2);
    let reference = named(children.next(), "Reference")?;
    if children.next().is_some() {
        return Err(Refusal::misbehaved("xml.signature.references")
            .at("SignedInfo")
            .expected("exactly one Reference"));
    }
    only_attributes(reference, &["URI", "Id"])?;
    let uri = reference.attribute("URI").unwrap_or_default().to_owned();
    let mut children = reference.elements();
    let prefixes = transforms(named(children.next(), "Transforms")?)?;
    let digest_method = named(children.next(), "DigestMethod")?;
    nothing_more(digest_method.elements().next())?;
    let digest = binary(named(children.next(), "DigestValue")?)?;
    nothing_more(children.next())?;
    Ok(Reference { uri, prefixes, digest_method: algorithm(digest_method)?.to_owned(), digest })
}

fn transforms(transforms: &Element) -> Result<Vec<String>, Refusal> {
    let refuse = || {
        Refusal::misbehaved("xml.signature.transforms")
            .at("Transforms")
            .expected("enveloped-signature, then exclusive C14N")
    };
    let list: Vec<&Element> = transforms.elements().collect();
    let [enveloped, c14n] = list.as_slice() else { return Err(refuse()) };
    for transform in [enveloped, c14n] {
        named(Some(transform), "Transform")?;
    }
    if algorithm(enveloped)? != ENVELOPED || enveloped.elements().next().is_some() {
        return Err(refuse().found(algorithm(enveloped)?));
    }
    if algorithm(c14n)? != EXC_C14N {
        return Err(refuse().found(algorithm(c14n)?));
    }
    exclusive_c14n(c14n)
}

/// The PrefixList of an exclusive C14N, empty when there is none.
fn exclusive_c14n(method: &Element) -> Result<Vec<String>, Refusal> {
    let uri = algorithm(method)?;
    if uri != EXC_C14N {
        return Err(Refusal::incompatible("xml.signature.c14n.unsupported")
            .at(&method.name.local)
            .expected(EXC_C14N)
            .found(uri));
    }
    let mut children = method.elements();
    let Some(inclusive) = children.next() else { return Ok(Vec::new()) };
    nothing_more(children.next())?;
    if !inclusive.name.is(EXC_C14N, "InclusiveNamespaces") {
        return Err(unexpected(inclusive));
    }
    only_attributes(inclusive, &["PrefixList"])?;
    nothing_more(inclusive.elements().next())?;
    let list = inclusive.attribute("PrefixList").unwrap_or_default();
    let prefixes: Vec<String> = list.split_ascii_whitespace().map(str::to_owned).collect();
    if prefixes.len() > MAX_PREFIXES {
        return Err(Refusal::misbehaved("xml.signature.prefixes")
            .at("PrefixList")
            .expected("16 prefixes at most"));
    }
    Ok(prefixes)
}

fn algorithm(element: &Element) -> Result<&str, Refusal> {
    only_attributes(element, &["Algorithm"])?;
    element.attribute("Algorithm").ok_or_else(|| {
        Refusal::misbehaved("xml.signature.structure").at(&element.name.local).expected("Algorithm")
    })
}

fn named<'e>(element: Option<&'e Element>, local: &str) -> Result<&'e Element, Refusal> {
    match element {
        Some(element) if element.name.is(DSIG, local) && !element.is_mixed() => Ok(element),
        other => {
            let refusal = Refusal::misbehaved("xml.signature.structure").at("Signature").expected(local);
            Err(match other {
                Some(element) => refusal.found(&element.name.local),
                None => refusal,
            })
        }
    }
}

fn nothing_more(element: Option<&Element>) -> Result<(), Refusal> {
    element.map_or(Ok(()), |element| Err(unexpected(element)))
}

fn only_attributes(element: &Element, known: &[&str]) -> Result<(), Refusal> {
    let unknown = element.attributes.iter().find(|attribute| {
        !attribute.name.namespace.is_empty() || !known.contains(&attribute.name.local.as_str())
    });
    unknown.map_or(Ok(()), |attribute| {
        Err(Refusal::misbehaved("xml.signature.structure")
            .at(&element.name.local)
            .expected("no other attribute")
            .found(&attribute.name.local))
    })
}

fn unexpected(element: &Element) -> Refusal {
    Refusal::misbehaved("xml.signature.structure")
        .at("Signature")
        .expected("nothing more")
        .found(&element.name.local)
}

fn binary(element: &Element) -> Result<Vec<u8>, Refusal> {
    let text = element.text().ok_or_else(|| unexpected(element))?;
    BASE64_STANDARD.decode(without_whitespace(&text)).map_err(|_| {
        Refusal::misbehaved("xml.signature.base64").at(&element.name.local).expected("canonical base64")
    })
}

/// Text of type xs:base64Binary without its white space, which the type allows.
pub fn without_whitespace(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect()
}
