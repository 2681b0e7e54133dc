//! Request targets, methods and queries.

use super::{Entry, Target, entry, form, get, line};

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Target { open, host, .. } = target;
    let raw = |path: &[u8]| line(target, "GET", path, "", b"");
    let after = |suffix: &[u8]| raw(&[open.as_bytes(), suffix].concat());
    let method = |method: &str| line(target, method, open.as_bytes(), "", b"");
    let mut all = vec![
        entry(
            "target",
            "absolute-other",
            "a forward proxy's request",
            raw(b"http://169.254.169.254/latest/"),
        ),
        entry(
            "target",
            "absolute-ours",
            "our own address in absolute form",
            raw(format!("https://{host}/carbon").as_bytes()),
        ),
        entry("target", "asterisk", "about the server as a whole", line(target, "OPTIONS", b"*", "", b"")),
        entry("target", "authority", "a tunnel", line(target, "CONNECT", b"10.0.0.1:9443", "", b"")),
        entry("target", "no-slash", "no form of a target", raw(b"carbon")),
        entry("target", "fragment", "a fragment", after(b"#/carbon")),
        entry("target", "space", "a space in the target", after(b" /carbon")),
        entry("target", "tab", "a tab in the target", after(b"\t/carbon")),
        entry("target", "nul", "a raw NUL", after(b"\0")),
        entry("target", "non-ascii", "a raw byte beyond ASCII", after(b"/\xc3\xa9")),
        entry(
            "target",
            "long",
            "a target beyond every limit",
            after(&[b"?x=".as_slice(), &[b'a'; 70_000]].concat()),
        ),
        entry("method", "trace", "TRACE echoes headers", method("TRACE")),
        entry("method", "delete", "a method that nothing serves", method("DELETE")),
        entry("method", "put", "a method that nothing serves", method("PUT")),
        entry("method", "options", "a method that nothing serves", method("OPTIONS")),
        entry("method", "head", "GET to some readers", method("HEAD")),
        entry("method", "lower-case", "methods are letter by letter", method("get")),
        entry("method", "unknown", "no method", method("POSTERN")),
        entry(
            "query",
            "twice",
            "which one counts differs (CVE-2026-117691 and others)",
            after(b"?RelayState=a&RelayState=b"),
        ),
        entry("query", "name-encoded", "a name that filters do not recognise", after(b"?%52elayState=a")),
        entry("query", "name-empty", "a value without a name", after(b"?=a")),
        entry("query", "semicolon", "an ampersand to some readers", after(b"?a=1;b=2")),
        entry("query", "nul", "an encoded NUL", after(b"?RelayState=a%00b")),
        entry("query", "escape-broken", "no escape", after(b"?RelayState=%zz")),
        entry("query", "brackets", "characters that no query has", after(b"?RelayState=<a>")),
    ];
    if !target.takes_any_parameter {
        let why = "a parameter that nobody declared";
        all.push(entry("query", "unknown", why, get(target, &format!("{open}?postern_probe=1"), "")));
    }
    if let Some(path) = &target.form {
        let post = |headers: &str, body: &str| {
            let headers = format!("{headers}Content-Length: {}\r\n", body.len());
            line(target, "POST", path.as_bytes(), &headers, body.as_bytes())
        };
        all.extend([
            entry("body", "no-type", "a body of no type", post("", "a=b")),
            entry(
                "body",
                "multipart",
                "another form of a form",
                post("Content-Type: multipart/form-data; boundary=x\r\n", "--x--"),
            ),
            entry("body", "json", "another type", post("Content-Type: application/json\r\n", "{}")),
            entry(
                "body",
                "charset",
                "another charset is another text",
                post("Content-Type: application/x-www-form-urlencoded; charset=utf-7\r\n", "a=b"),
            ),
            entry(
                "body",
                "too-large",
                "beyond every limit",
                form(target, path, &format!("a={}", "b".repeat(1 << 20))),
            ),
        ]);
    }
    let why = "a body with a GET";
    all.push(entry(
        "body",
        "get",
        why,
        line(target, "GET", open.as_bytes(), "Content-Length: 3\r\n", b"a=b"),
    ));
    all
}
