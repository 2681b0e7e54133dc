//! HTTP/1.1 messages as bytes: nothing is corrected, nothing is added unseen.
use std::io::{self, Read};

use postern_vectors::Request;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded when it was chunked.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The request with what a client has to add: `host`, `content-length` and `connection: close`,
/// where the vector has none of its own.
pub fn complete(request: &Request, authority: &str) -> Request {
    let has = |name: &str| request.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    let mut headers = Vec::new();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value.into_bytes()));
    if !has("host") {
        add("host", authority.to_owned());
    }
    let has_body = !request.body.is_empty() || request.method == "POST";
    if has_body && !has("content-length") && !has("transfer-encoding") {
        add("content-length", request.body.len().to_string());
    }
    if !has("connection") {
        add("connection", "close".to_owned());
    }
    headers.extend(request.headers.iter().cloned());
    Request { headers, ..request.clone() }
}

/// The request as HTTP/1.1 bytes for one connection.
pub fn request(request: &Request, authority: &str) -> Vec<u8> {
    let request = complete(request, authority);
    let mut bytes = [request.method.as_bytes(), b" ", &request.target, b" HTTP/1.1\r\n"].concat();
    for (name, value) in &request.headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// One whole message: its head with the empty line, and its body as it came.
pub struct Message {
    /// Start line and headers, with the empty line.
    pub head: Vec<u8>,
    /// The body, decoded when it was chunked.
    pub body: Vec<u8>,
    /// Everything, byte for byte.
    pub raw: Vec<u8>,
}

impl Message {
    /// The start line.
    pub fn start_line(&self) -> String {
        String::from_utf8_lossy(self.head.split(|byte| *byte == b'\r').next().unwrap_or_default())
            .into_owned()
    }

    /// Headers in order; names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        headers(&self.head)
    }

    /// The request that it is.
    pub fn request(&self) -> Request {
        let line = self.start_line();
        let mut words = line.split(' ');
        Request {
            method: words.next().unwrap_or_default().into(),
            target: words.next().unwrap_or_default().into(),
            headers: self.headers().into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
            body: self.body.clone(),
        }
    }
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Request,
    /// A response.
    Response,
    /// A response to HEAD: it has no body, whatever it announces.
    ResponseToHead,
}

/// Reads a message. None when the connection ended before the first byte.
///
/// # Errors
/// When the connection breaks, or what comes is no HTTP/1.1.
pub fn read(stream: &mut impl Read, kind: Kind) -> io::Result<Option<Message>> {
    let mut reader = Reader { stream, raw: Vec::new(), at: 0 };
    let head = loop {
        if let Some(end) = find(&reader.raw, b"\r\n\r\n") {
            reader.at = end + 4;
            break reader.raw[..end + 4].to_vec();
        }
        if !reader.fill()? {
            return match reader.raw.is_empty() {
                true => Ok(None),
                false => Err(broken("the connection ended within the headers")),
            };
        }
    };
    let headers = headers(&head);
    let value =
        |name: &str| headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
    let is_response = kind != Kind::Request;
    let status = is_response.then(|| status(&head)).flatten();
    let body = if kind == Kind::ResponseToHead || matches!(status, Some(100..=199 | 204 | 304)) {
        Vec::new()
    } else if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        reader.chunks()?
    } else if let Some(length) = value("content-length") {
        let length = length.parse().map_err(|_| broken("a content-length that is no number"))?;
        reader.take(length)?
    } else if is_response {
        reader.rest()?
    } else {
        Vec::new()
    };
    Ok(Some(Message { head, body, raw: reader.raw }))
}

/// Reads a response, leaving out informational ones.
///
/// # Errors
/// As [`read`].
pub fn read_answer(stream: &mut impl Read, kind: Kind) -> io::Result<Option<Answer>> {
    loop {
        let Some(message) = read(stream, kind)? else { return Ok(None) };
        let status = status(&message.head).ok_or_else(|| broken("a status line"))?;
        if status >= 200 {
            return Ok(Some(Answer { status, headers: message.headers(), body: message.body }));
        }
    }
}

fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

fn headers(head: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(head)
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn broken(expected: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, expected.to_owned())
}

struct Reader<'a, S> {
    stream: &'a mut S,
    raw: Vec<u8>,
    at: usize,
}

impl<S: Read> Reader<'_, S> {
    /// False at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let count = match self.stream.read(&mut buffer) {
            // A peer that closes TLS without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            other => other?,
        };
        self.raw.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.raw.len() - self.at < length {
            if !self.fill()? {
                return Err(broken("the connection ended within the body"));
            }
        }
        let taken = self.raw[self.at..self.at + length].to_vec();
        self.at += length;
        Ok(taken)
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(length) = find(&self.raw[self.at..], b"\r\n") {
                let line = self.take(length)?;
                self.at += 2;
                return Ok(line);
            }
            if !self.fill()? {
                return Err(broken("the connection ended within a chunk"));
            }
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let digits =
                String::from_utf8_lossy(&line).split(';').next().unwrap_or_default().trim().to_owned();
            let length = usize::from_str_radix(&digits, 16).map_err(|_| broken("the size of a chunk"))?;
            body.extend(self.take(length)?);
            if length == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            self.line()?;
        }
    }

    fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? {}
        Ok(self.raw[self.at..].to_vec())
    }
}
