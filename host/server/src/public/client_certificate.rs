//! The certificate that the browser has shown to the proxy, as the proxy tells it: PEM, percent-encoded
//! (Envoy's `%DOWNSTREAM_PEER_CERT%`, nginx's `$ssl_client_escaped_cert`). It is unpacked here, and judged in
//! the sandbox, by who signs people in with it.

use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_refusal::Refusal;

pub(super) const HEADER: &str = "x-postern-client-certificate";
/// Most bytes of the DER.
const MAX_DER: usize = 16 << 10;
/// Most bytes of the header: four characters for three bytes, each of them escaped, lines and frame.
const MAX_HEADER: usize = 72 << 10;
/// Characters of a line (RFC 7468 section 2).
const LINE: usize = 64;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "-----END CERTIFICATE-----";

/// DER of the certificate; none when none was shown.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<Arc<[u8]>>, Refusal> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("the header once"));
    }
    if value.len() > MAX_HEADER {
        return Err(too_large());
    }
    let pem = unescaped(value.as_bytes()).ok_or_else(|| malformed("percent-encoded PEM"))?;
    let der = unwrapped(&pem).ok_or_else(|| malformed("PEM of one certificate"))?;
    if der.len() > MAX_DER { Err(too_large()) } else { Ok(Some(der.into())) }
}

/// `%` begins two hexadecimal digits, and everything else stands for itself.
fn unescaped(value: &[u8]) -> Option<String> {
    let mut text = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            text.push(*byte);
            continue;
        }
        let mut digit = || char::from(*bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        text.push(high << 4 | low);
    }
    String::from_utf8(text).ok()
}

/// The DER in PEM of one certificate, with lines of 64 characters (RFC 7468 section 3, `stricttextualmsg`).
fn unwrapped(pem: &str) -> Option<Vec<u8>> {
    let body = pem.strip_prefix(BEGIN)?;
    let body = body.strip_suffix('\n').unwrap_or(body).strip_suffix(END)?.strip_suffix('\n')?;
    let mut base64 = String::with_capacity(body.len());
    let mut lines = body.split('\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        if line.is_empty() || line.len() > LINE || (line.len() < LINE && !is_last) {
            return None;
        }
        base64 += line;
    }
    STANDARD.decode(base64).ok()
}

fn malformed(expected: &str) -> Refusal {
    Refusal::configuration("server.proxy.client-certificate").with_status(502).at(HEADER).expected(expected)
}

/// Whoever issued it made it so: the proxy only passes it on.
fn too_large() -> Refusal {
    Refusal::misbehaved("server.client-certificate.too-large")
        .at(HEADER)
        .expected(&format!("at most {MAX_DER} bytes of DER"))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NAME: HeaderName = HeaderName::from_static(HEADER);

    fn pem(der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(LINE).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("{BEGIN}{}\n{END}\n", lines.join("\n"))
    }

    fn escaped(pem: &str) -> String {
        pem.replace('\n', "%0A")
            .replace(' ', "%20")
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    }

    fn judged(values: &[&str]) -> Result<Option<Vec<u8>>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(NAME, HeaderValue::from_str(value).unwrap());
        }
        read(&headers).map(|der| der.map(|der| der.to_vec())).map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_certificate_is_unpacked() {
        assert_eq!(judged(&[]), Ok(None));
        for length in [1, 47, 48, 49, 700, MAX_DER] {
            let der: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let written = escaped(&pem(&der));
            assert_eq!(judged(&[&written]), Ok(Some(der.clone())), "{length}");
            assert!(judged(&[&written.to_lowercase()]).is_err(), "another frame");
            // OpenSSL's last line feed.
            assert_eq!(judged(&[written.strip_suffix("%0A").unwrap()]), Ok(Some(der)));
        }
    }

    #[test]
    fn nothing_else_is_one() {
        let good = escaped(&pem(&[7; 700]));
        let malformed = Err("server.proxy.client-certificate");
        assert_eq!(judged(&[&good, &good]), malformed);
        assert_eq!(judged(&[&good[..good.len() - 8]]), malformed);
        let two = format!("{good}{good}");
        for wrong in [
            "",
            "%",
            "%0",
            "%zz",
            "%+1",
            "MIIB",
            &good.replace("%0A", "%0D%0A"),
            &good.replace("%0A", ""),
            &good.replace("%0A", "%0A%0A"),
            &good.replace("CERTIFICATE", "PRIVATE%20KEY"),
            &good.replace("%3D", ""),
            &two,
            &format!("%20{good}"),
            &format!("{good}%00"),
            &good.replacen("Bw", "B%ff", 1),
            &escaped(&pem(&[])),
        ] {
            assert_eq!(judged(&[wrong]), malformed, "{wrong}");
        }
        let large = Err("server.client-certificate.too-large");
        assert_eq!(judged(&[&escaped(&pem(&[0; MAX_DER + 1]))]), large);
        assert_eq!(judged(&[&"A".repeat(MAX_HEADER + 1)]), large);
    }
}
