//! Requests of our own, as bytes.

use crate::head::{is_plain, is_token};

/// Headers that say how the message is framed or where it goes: the writer's own.
const OWN: [&[u8]; 7] =
    [b"host", b"connection", b"keep-alive", b"content-length", b"transfer-encoding", b"te", b"upgrade"];

/// A request whose `:method`, `:path` and `:authority` stand among the headers, as HTTP/2 has them. The
/// connection may be kept. None for what can't be one line each: what a field would end is never sent.
pub fn request(headers: &[(&[u8], &[u8])], body: &[u8]) -> Option<Vec<u8>> {
    let pseudo = |wanted: &[u8]| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let (method, path, authority) = (pseudo(b":method")?, pseudo(b":path")?, pseudo(b":authority")?);
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    if !is_token(method) || !is_word(path) || !is_word(authority) {
        return None;
    }
    let mut bytes = [method, b" ", path, b" HTTP/1.1\r\nhost: ", authority, b"\r\n"].concat();
    for (name, value) in headers.iter().filter(|(name, _)| !name.starts_with(b":")) {
        if !is_token(name) || !is_plain(value) {
            return None;
        }
        if !OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            bytes.extend([*name, b": ", *value, b"\r\n"].concat());
        }
    }
    if !body.is_empty() || !matches!(method, b"GET" | b"HEAD") {
        bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: [(&[u8], &[u8]); 3] =
        [(b":method", b"GET"), (b":path", b"/keys"), (b":authority", b"idp.lan")];

    fn written(more: &[(&[u8], &[u8])], body: &[u8]) -> Option<String> {
        request(&[&GET[..], more].concat(), body).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_request_has_its_own_framing() {
        let plain = "GET /keys HTTP/1.1\r\nhost: idp.lan\r\n";
        assert_eq!(written(&[], b""), Some(format!("{plain}\r\n")));
        let forged: [(&[u8], &[u8]); 4] = [
            (b"Content-Length", b"9"),
            (b"transfer-encoding", b"chunked"),
            (b"host", b"other"),
            (b"connection", b"upgrade"),
        ];
        assert_eq!(written(&forged, b"a"), Some(format!("{plain}content-length: 1\r\n\r\na")));
        let post: [(&[u8], &[u8]); 3] = [(b":method", b"POST"), (b":path", b"/"), (b":authority", b"a")];
        assert!(request(&post, b"").unwrap().ends_with(b"content-length: 0\r\n\r\n"));
    }

    #[test]
    fn what_would_end_a_line_is_not_sent() {
        for field in
            [(&b"x"[..], &b"a\r\nb: c"[..]), (b"x", b"a\nb"), (b"x\r\n", b"a"), (b"x y", b"a"), (b"", b"a")]
        {
            assert_eq!(written(&[field], b""), None, "{field:?}");
        }
        for (place, value) in
            [(0, &b"GET /"[..]), (0, b""), (1, b"/a b"), (1, b"/\r\n"), (1, b""), (2, b"a\r\nb")]
        {
            let mut headers = GET;
            headers[place].1 = value;
            assert_eq!(request(&headers, b""), None, "{value:?}");
        }
        assert_eq!(request(&GET[..2], b""), None);
    }
}
