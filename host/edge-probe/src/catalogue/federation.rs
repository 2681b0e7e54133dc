//! Responses of identity providers that nobody has federated, where the edge is a service provider.

use super::hostile_xml::{deflated, escaped, hostile, posted};
use super::{Entry, Target, entry, form, get, post};

const NAMESPACES: &str =
    "xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'";
const NOBODY: &str = "<saml:Issuer>https://nobody.invalid/postern-edge-probe</saml:Issuer>";
const SUCCESS: &str =
    "<samlp:Status><samlp:StatusCode Value='urn:oasis:names:tc:SAML:2.0:status:Success'/></samlp:Status>";
const FAILURE: &str =
    "<samlp:Status><samlp:StatusCode Value='urn:oasis:names:tc:SAML:2.0:status:Responder'/></samlp:Status>";
const ASSERTION: &str = "<saml:Assertion ID='_postern-edge-probe-assertion' Version='2.0' \
     IssueInstant='2020-01-01T00:00:00Z'><saml:Issuer>https://nobody.invalid/postern-edge-probe</saml:Issuer>\
     <saml:Subject><saml:NameID>admin</saml:NameID></saml:Subject></saml:Assertion>";
/// One that is no signature, over nothing.
const SIGNATURE: &str = "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:SignedInfo>\
     <ds:CanonicalizationMethod Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/>\
     <ds:SignatureMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'/></ds:SignedInfo>\
     <ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>";

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Some(path) = &target.consumer else { return Vec::new() };
    let response = |prologue: &str, inner: &str| {
        format!(
            "{prologue}<samlp:Response {NAMESPACES} ID='_postern-edge-probe-response' Version='2.0' \
             IssueInstant='2020-01-01T00:00:00Z' InResponseTo='_postern-edge-probe-request'>{NOBODY}{inner}\
             </samlp:Response>"
        )
    };
    let sent = |xml: &[u8]| form(target, path, &format!("SAMLResponse={}", posted(xml)));
    let good = response("", &format!("{SUCCESS}{ASSERTION}"));
    let value = posted(good.as_bytes());
    let raw = |body: &str| form(target, path, body);
    let of = |name, why, bytes| entry("federation", name, why, bytes);
    let comment = good.replace("https://nobody.invalid", "https://idp.example.com<!-- -->.nobody.invalid");
    let multipart = format!(
        "--x\r\nContent-Disposition: form-data; name=\"SAMLResponse\"\r\n\r\n{}\r\n--x--\r\n",
        value.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    );
    let mut all = vec![
        of("unsigned", "an assertion of nobody, unsigned", sent(good.as_bytes())),
        of(
            "signed-by-nobody",
            "a signature that is none",
            sent(response("", &format!("{SIGNATURE}{SUCCESS}{ASSERTION}")).as_bytes()),
        ),
        of("failure", "a failure of nobody, unsigned", sent(response("", FAILURE).as_bytes())),
        of("no-issuer", "a response of no one", sent(good.replace(NOBODY, "").as_bytes())),
        of("comment", "a comment that cuts a name", sent(comment.as_bytes())),
        of(
            "two-assertions",
            "a second assertion",
            sent(response("", &format!("{SUCCESS}{ASSERTION}{ASSERTION}")).as_bytes()),
        ),
        of(
            "wrapped",
            "an assertion where the schema has none (signature wrapping)",
            sent(
                response("", &format!("<samlp:Extensions>{ASSERTION}</samlp:Extensions>{SUCCESS}"))
                    .as_bytes(),
            ),
        ),
        of("assertion", "an assertion without its response", sent(ASSERTION.as_bytes())),
        of(
            "by-redirect",
            "a response in a query",
            get(target, &format!("{path}?SAMLResponse={}", escaped(&deflated(good.as_bytes()))), ""),
        ),
        of(
            "artifact",
            "an artifact, which the LAN would resolve",
            get(target, &format!("{path}?SAMLart=AAQA"), ""),
        ),
        of("artifact-post", "the same by POST", raw("SAMLart=AAQA")),
        of(
            "query-beside",
            "a query beside the form",
            form(target, &format!("{path}?RelayState=x"), &format!("SAMLResponse={value}")),
        ),
        of(
            "query-and-form",
            "two responses, one in the query",
            form(target, &format!("{path}?SAMLResponse={value}"), &format!("SAMLResponse={value}")),
        ),
        of("twice", "two responses", raw(&format!("SAMLResponse={value}&SAMLResponse={value}"))),
        of(
            "request-and-response",
            "both kinds at once",
            raw(&format!("SAMLRequest={value}&SAMLResponse={value}")),
        ),
        of("name-encoded", "a name that filters do not recognise", raw(&format!("%53AMLResponse={value}"))),
        of("name-case", "a name in another case", raw(&format!("samlresponse={value}"))),
        of("name-array", "a name that some servers cut", raw(&format!("SAMLResponse[]={value}"))),
        of("not-base64", "no base64", raw("SAMLResponse=%21%21%21")),
        of(
            "deflated",
            "the Redirect binding's form by POST",
            raw(&format!("SAMLResponse={}", escaped(&deflated(good.as_bytes())))),
        ),
        of(
            "multipart",
            "another form of a form",
            post(target, path, "Content-Type: multipart/form-data; boundary=x\r\n", multipart.as_bytes()),
        ),
        of(
            "charset",
            "another charset is another text",
            post(
                target,
                path,
                "Content-Type: application/x-www-form-urlencoded; charset=utf-16\r\n",
                format!("SAMLResponse={value}").as_bytes(),
            ),
        ),
        of(
            "relay-state-long",
            "a RelayState of 10 KB",
            raw(&format!("SAMLResponse={value}&RelayState={}", "a".repeat(10_000))),
        ),
    ];
    let hostile = hostile(&response).into_iter();
    all.extend(hostile.map(|document| of(document.name, document.why, sent(&document.xml))));
    all
}
