//! The head of an HTTP/1.1 request, judged before hyper reads it.
//!
//! hyper follows RFC 9112 where it lets a server be generous: it takes HTTP/1.0, drops a length
//! that stands beside chunks, drops a fragment, joins folded lines. What is refused here is never
//! seen by it. What passes is read by hyper in one way only, so that where a message ends is known
//! to us and the next one of the connection can be judged too.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use postern_refusal::Refusal;

/// Largest head in bytes: a target of 64 KiB and its headers.
pub const MAX_HEAD: usize = 96 * 1024;
/// Most headers.
pub const MAX_HEADERS: usize = 100;

/// How long a message is after its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks, RFC 9112 section 7.1.
    Chunked,
}

/// A head that hyper doesn't get to see.
#[derive(Clone, Debug)]
pub struct RefusedHead {
    /// Why. The table of endpoints may know a better reason, when there is a `request`.
    pub refusal: Refusal,
    /// What it says, when its lines can be told apart.
    pub request: Option<RawRequest>,
}

/// The parts of a head as their bytes came.
#[derive(Clone, Debug, Default)]
pub struct RawRequest {
    /// The first word of the request line.
    pub method: Vec<u8>,
    /// What stands between the first and the last word.
    pub target: Vec<u8>,
    /// Names and values in order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl RawRequest {
    /// Those headers that are well-formed: what is asked of them besides.
    pub fn header_map(&self) -> HeaderMap {
        let pairs = self.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
        });
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name, value);
        }
        map
    }

    fn values<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r [u8]> {
        let is_it = move |header: &&(Vec<u8>, Vec<u8>)| header.0.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(is_it).map(|(_, value)| value.as_slice())
    }
}

impl RefusedHead {
    /// The head's lines can't be told apart.
    pub(crate) fn unread(refusal: Refusal) -> Self {
        Self { refusal, request: None }
    }
}

/// Judges a head, from its first byte to the empty line.
///
/// # Errors
/// `server.head.malformed`, `server.head.too-large` (431), `server.head.version` (505),
/// `server.head.target`, `server.head.framing`.
pub fn judge(head: &[u8]) -> Result<Framing, Box<RefusedHead>> {
    let (request, version) = read(head).map_err(|refusal| Box::new(RefusedHead::unread(refusal)))?;
    judge_version(&version)
        .and_then(|()| judge_target(&request))
        .and_then(|()| judge_framing(&request))
        .map_err(|refusal| Box::new(RefusedHead { refusal, request: Some(request) }))
}

/// Takes the lines apart.
fn read(head: &[u8]) -> Result<(RawRequest, Vec<u8>), Refusal> {
    let lines = head.strip_suffix(b"\r\n\r\n").ok_or_else(|| malformed("the empty line"))?;
    let mut lines = Lines(Some(lines));
    let first = lines.next().unwrap_or_default();
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let method = words.next().filter(|method| is_token(method)).ok_or_else(|| malformed("the method"))?;
    let rest = words.next().ok_or_else(|| malformed("the request line"))?;
    // A space in the target is the target's fault: the version is what stands after the last one.
    let mut words = rest.rsplitn(2, |byte| *byte == b' ');
    let version = words.next().unwrap_or_default();
    let target = words.next().ok_or_else(|| malformed("the request line"))?;
    if first.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return Err(malformed("the request line"));
    }
    let mut request = RawRequest { method: method.into(), target: target.into(), headers: Vec::new() };
    for line in lines {
        if request.headers.len() == MAX_HEADERS {
            return Err(too_large());
        }
        request.headers.push(header(line).ok_or_else(|| malformed("a header line"))?);
    }
    Ok((request, version.into()))
}

/// Lines that end with CR LF.
struct Lines<'h>(Option<&'h [u8]>);

impl<'h> Iterator for Lines<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let rest = self.0?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        self.0 = end.and_then(|end| rest.get(end + 2..));
        Some(end.and_then(|end| rest.get(..end)).unwrap_or(rest))
    }
}

/// RFC 9112 section 5: no space before the colon, no folded lines, no control characters.
pub(crate) fn header(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    (is_token(name) && is_plain(value)).then(|| (name.into(), trimmed(value).into()))
}

/// RFC 9110 section 5.5: nothing that ends a field.
pub(crate) fn is_plain(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
}

/// Without spaces and tabs around it.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

fn judge_version(version: &[u8]) -> Result<(), Refusal> {
    if version == b"HTTP/1.1" {
        return Ok(());
    }
    Err(Refusal::incompatible("server.head.version")
        .with_status(505)
        .at("request line")
        .expected("HTTP/1.1 or HTTP/2")
        .found_bytes(version))
}

/// What hyper would leave out, or not read.
fn judge_target(request: &RawRequest) -> Result<(), Refusal> {
    let target = request.target.as_slice();
    let is_visible = target.iter().all(|byte| matches!(byte, 0x21..=0x7e) && *byte != b'#');
    if is_visible && request.method != b"CONNECT" && Uri::try_from(target).is_ok() {
        return Ok(());
    }
    Err(Refusal::misbehaved("server.head.target").at("request target").expected("a path").found_bytes(target))
}

/// RFC 9112 section 6: one length, or chunks alone.
fn judge_framing(request: &RawRequest) -> Result<Framing, Refusal> {
    let refusal = |element| Refusal::misbehaved("server.head.framing").at(element);
    let mut lengths = request.values("content-length");
    let mut codings = request.values("transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(length), None) if lengths.next().is_none() => {
            number(length).map(Framing::Length).ok_or_else(|| refusal("Content-Length").expected("a number"))
        }
        (None, Some(coding)) if codings.next().is_none() && coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        (_, Some(_)) => Err(refusal("Transfer-Encoding").expected("chunked, once and without a length")),
        (Some(_), None) => Err(refusal("Content-Length").expected("the header once")),
    }
}

fn number(text: &[u8]) -> Option<u64> {
    let is_plain = (1..=18).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_plain)?.parse().ok()
}

fn malformed(element: &str) -> Refusal {
    Refusal::misbehaved("server.head.malformed").at(element).expected("RFC 9112, read strictly")
}

pub(crate) fn too_large() -> Refusal {
    Refusal::misbehaved("server.head.too-large")
        .with_status(431)
        .at("headers")
        .expected(&format!("at most {MAX_HEAD} bytes and {MAX_HEADERS} headers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(head: &str) -> &'static str {
        match judge(head.as_bytes()) {
            Ok(_) => "sound",
            Err(refused) => refused.refusal.code,
        }
    }

    #[test]
    fn a_plain_head_says_how_long_its_message_is() {
        let framing =
            |headers: &str| judge(format!("POST /a?b=c HTTP/1.1\r\n{headers}\r\n").as_bytes()).unwrap();
        assert_eq!(framing("Host: a\r\n"), Framing::Length(0));
        assert_eq!(framing("Content-Length: 17\r\n"), Framing::Length(17));
        assert_eq!(framing("content-length:17\t \r\n"), Framing::Length(17));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\nx: \u{e4}\r\n"), Framing::Chunked);
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for (headers, code) in [
            ("content-length: 3\r\ntransfer-encoding: chunked\r\n", "server.head.framing"),
            ("transfer-encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "server.head.framing"),
            ("transfer-encoding: gzip, chunked\r\n", "server.head.framing"),
            ("transfer-encoding: xchunked\r\n", "server.head.framing"),
            ("transfer-encoding: identity\r\n", "server.head.framing"),
            ("transfer-encoding:\r\n", "server.head.framing"),
            ("content-length: 3\r\ncontent-length: 3\r\n", "server.head.framing"),
            ("content-length: 3, 3\r\n", "server.head.framing"),
            ("content-length: +3\r\n", "server.head.framing"),
            ("content-length: -1\r\n", "server.head.framing"),
            ("content-length: 0x3\r\n", "server.head.framing"),
            ("content-length:\r\n", "server.head.framing"),
            ("content-length: 99999999999999999999\r\n", "server.head.framing"),
            ("transfer-encoding : chunked\r\n", "server.head.malformed"),
            ("x: a\r\n transfer-encoding: chunked\r\n", "server.head.malformed"),
            ("x: a\r\n\ty\r\n", "server.head.malformed"),
            ("x: a\nb: c\r\n", "server.head.malformed"),
            ("x: a\rb\r\n", "server.head.malformed"),
            ("x: a\0b\r\n", "server.head.malformed"),
            ("x\r\n", "server.head.malformed"),
            (": a\r\n", "server.head.malformed"),
            ("\u{e4}: a\r\n", "server.head.malformed"),
        ] {
            assert_eq!(verdict(&format!("POST / HTTP/1.1\r\n{headers}\r\n")), code, "{headers:?}");
        }
    }

    #[test]
    fn request_lines() {
        for (line, code) in [
            ("GET / HTTP/1.0", "server.head.version"),
            ("GET / HTTP/2.0", "server.head.version"),
            ("GET / http/1.1", "server.head.version"),
            ("GET / HTTP/1.1 ", "server.head.version"),
            ("PRI * HTTP/2.0", "server.head.version"),
            ("GET /", "server.head.malformed"),
            ("GET", "server.head.malformed"),
            ("", "server.head.malformed"),
            (" GET / HTTP/1.1", "server.head.malformed"),
            ("G(T / HTTP/1.1", "server.head.malformed"),
            ("GET /\rHTTP/1.1 HTTP/1.1", "server.head.malformed"),
            ("GET /\nx HTTP/1.1", "server.head.malformed"),
            ("GET  / HTTP/1.1", "server.head.target"),
            ("GET /a b HTTP/1.1", "server.head.target"),
            ("GET /a#b HTTP/1.1", "server.head.target"),
            ("GET /\0 HTTP/1.1", "server.head.target"),
            ("GET /\u{e4} HTTP/1.1", "server.head.target"),
            ("CONNECT a:1 HTTP/1.1", "server.head.target"),
            ("OPTIONS * HTTP/1.1", "sound"),
            ("BREW /a//../b?%zz HTTP/1.1", "sound"),
        ] {
            assert_eq!(verdict(&format!("{line}\r\nhost: a\r\n\r\n")), code, "{line:?}");
        }
        assert_eq!(verdict("GET / HTTP/1.1\r\nhost: a\r\n"), "server.head.malformed");
        let many = "a: b\r\n".repeat(MAX_HEADERS + 1);
        assert_eq!(verdict(&format!("GET / HTTP/1.1\r\n{many}\r\n")), "server.head.too-large");
    }
}
