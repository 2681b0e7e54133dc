//! A request to be explained, as raw bytes.

/// What would arrive at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRequest {
    /// The method, as it stands in the request line.
    pub method: Vec<u8>,
    /// The request target, as it stands there.
    pub target: Vec<u8>,
    /// Host.
    pub authority: Vec<u8>,
    /// All other headers in order, names in lower case.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a text is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// The first line.
    #[error("the first line must be a method and a target, such as `GET /samlsso?SAMLRequest=…`")]
    RequestLine,
    /// A header line.
    #[error("line {0}: a header has a name and a colon")]
    Header(usize),
}

impl RawRequest {
    /// Reads `GET /path`, `GET https://host/path`, or a whole HTTP/1.1 request. What a client
    /// would add is added: Host (`default_host`), and Content-Length when there is a body.
    ///
    /// # Errors
    /// [`NotARequest`] for what has no request line or no header lines. What is wrong with a
    /// request that can be told apart is for the guards to say.
    pub fn read(text: &[u8], default_host: &str) -> Result<Self, NotARequest> {
        let (head, body) = split_head(text);
        let mut lines =
            head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let (method, target) =
            request_line(lines.next().unwrap_or_default()).ok_or(NotARequest::RequestLine)?;
        let mut headers = Vec::new();
        let mut hosts: Vec<Vec<u8>> = Vec::new();
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':').filter(|at| *at > 0);
            let (name, value) = line.split_at(colon.ok_or(NotARequest::Header(index.saturating_add(2)))?);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            match name.to_ascii_lowercase() {
                name if name == b"host" && hosts.is_empty() => hosts.push(value.to_vec()),
                name => {
                    if name == b"host" && hosts.len() == 1 {
                        // Two of them are the guards' to refuse.
                        headers.extend(hosts.first().map(|first| (name.clone(), first.clone())));
                        hosts.push(value.to_vec());
                    }
                    headers.push((name, value.to_vec()));
                }
            }
        }
        let (url_host, target) = without_origin(target);
        let framed =
            headers.iter().any(|(name, _)| name == b"content-length" || name == b"transfer-encoding");
        if !body.is_empty() && !framed {
            headers.push((b"content-length".to_vec(), body.len().to_string().into_bytes()));
        }
        Ok(Self {
            method: method.to_vec(),
            target: target.to_vec(),
            authority: hosts
                .into_iter()
                .next()
                .or(url_host)
                .unwrap_or_else(|| default_host.as_bytes().to_vec()),
            headers,
            body: body.to_vec(),
        })
    }

    /// The one value of a header.
    pub(super) fn header(&self, name: &[u8]) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// Whether a body follows.
    pub(super) fn has_body(&self) -> bool {
        !self.body.is_empty() || self.header(b"transfer-encoding").is_some()
    }
}

/// Head and body. A single line has no empty line after it.
fn split_head(text: &[u8]) -> (&[u8], &[u8]) {
    for end in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = text.windows(end.len()).position(|window| window == end) {
            let (head, rest) = text.split_at(at);
            return (head, rest.get(end.len()..).unwrap_or_default());
        }
    }
    (text.strip_suffix(b"\n").unwrap_or(text), b"")
}

/// Method and target. The target is everything up to the version: a space in it is the guards'.
fn request_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (method, rest) = line.split_at(space);
    let rest = rest.get(1..)?;
    let target = [&b" HTTP/1.1"[..], b" HTTP/1.0", b" HTTP/2"]
        .iter()
        .find_map(|version| rest.strip_suffix(*version))
        .unwrap_or(rest);
    (!method.is_empty() && !target.is_empty()).then_some((method, target))
}

/// `https://host/path`, as people copy it from a browser: host, and the target that a client
/// would send. Any other target is left as it is.
fn without_origin(target: &[u8]) -> (Option<Vec<u8>>, &[u8]) {
    let Some(rest) = target.strip_prefix(b"https://") else { return (None, target) };
    match rest.iter().position(|byte| matches!(byte, b'/' | b'?')) {
        Some(at) if rest.get(at) == Some(&b'/') => {
            let (host, target) = rest.split_at(at);
            (Some(host.to_vec()), target)
        }
        _ => (None, target),
    }
}
