//! Responses to requests of our own: RFC 9112, read strictly, as they come.

use std::mem;

use crate::head::{MAX_HEAD, MAX_HEADERS, header};

/// Interim responses (100 to 199) before the one that counts.
const MOST_INTERIM: u8 = 8;
/// Digits of a chunk's size: 256 MiB, beyond every body that is taken.
const MAX_SIZE_DIGITS: usize = 7;

/// A name in lower case, and its value.
pub type Field = (Vec<u8>, Vec<u8>);

/// A whole response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<Field>,
    /// Without the frame of chunks.
    pub body: Vec<u8>,
    /// After the last chunk.
    pub trailers: Vec<Field>,
    /// Whether another request may follow on the connection.
    pub keeps_alive: bool,
}

/// What came is no response, or is larger than agreed: the connection has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads the response to one request, however it is cut into pieces.
pub struct ResponseReader {
    state: State,
    /// Bytes of a head, of a chunk's frame or of trailers, until they are whole.
    pending: Vec<u8>,
    response: Response,
    /// The answer to HEAD has no body, whatever it announces.
    is_head: bool,
    /// Bytes of a body.
    most: usize,
    interim: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailers,
    /// HTTP's oldest way: the body ends with the connection.
    UntilEnd,
    Whole,
}

impl ResponseReader {
    /// For the answer to one request, with a body of at most so many bytes.
    pub fn new(is_head: bool, most: usize) -> Self {
        Self {
            state: State::Head,
            pending: Vec::new(),
            response: Response::default(),
            is_head,
            most,
            interim: 0,
        }
    }

    /// Whether anything has come yet.
    pub fn is_untouched(&self) -> bool {
        self.state == State::Head && self.pending.is_empty() && self.interim == 0
    }

    /// Takes what came; the response when that was all of it.
    ///
    /// # Errors
    /// [`Unreadable`]; so are bytes after the end, which nobody has asked for.
    pub fn take(&mut self, mut input: &[u8]) -> Result<Option<Response>, Unreadable> {
        while !input.is_empty() && self.state != State::Whole {
            input = match self.state {
                State::Head => self.take_head(input)?,
                State::Body(left) => {
                    let rest = self.take_body(input, left)?;
                    let left = left - (input.len() - rest.len());
                    self.state = if left == 0 { State::Whole } else { State::Body(left) };
                    rest
                }
                State::ChunkSize => self.take_size(input)?,
                State::Chunk(left) => {
                    let rest = self.take_body(input, left)?;
                    let left = left - (input.len() - rest.len());
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    rest
                }
                State::ChunkEnd => self.take_chunk_end(input)?,
                State::Trailers => self.take_trailers(input)?,
                State::UntilEnd => self.take_body(input, usize::MAX)?,
                State::Whole => input,
            };
        }
        if self.state != State::Whole {
            return Ok(None);
        }
        if input.is_empty() { Ok(Some(mem::take(&mut self.response))) } else { Err(Unreadable) }
    }

    /// The connection has ended; the response when that was its end.
    ///
    /// # Errors
    /// [`Unreadable`]: it was cut short.
    pub fn end(&mut self) -> Result<Response, Unreadable> {
        if self.state == State::UntilEnd { Ok(mem::take(&mut self.response)) } else { Err(Unreadable) }
    }

    fn take_head<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Unreadable> {
        let Some(rest) = self.pend(input, b"\r\n\r\n", MAX_HEAD)? else { return Ok(&[]) };
        let head = mem::take(&mut self.pending);
        let head = head.strip_suffix(b"\r\n\r\n").ok_or(Unreadable)?;
        let (line, fields) = match head.windows(2).position(|pair| pair == b"\r\n") {
            Some(end) => (head.get(..end).unwrap_or_default(), head.get(end + 2..)),
            None => (head, None),
        };
        let (is_1_1, status) = status_line(line).ok_or(Unreadable)?;
        let headers = fields.map_or_else(|| Ok(Vec::new()), read_fields)?;
        if (100..200).contains(&status) {
            self.interim += 1;
            // 101 would be another protocol, which nobody has asked for.
            return if status == 101 || self.interim > MOST_INTERIM { Err(Unreadable) } else { Ok(rest) };
        }
        self.response.keeps_alive = is_1_1 && !closes(&headers);
        self.state = self.framing(status, is_1_1, &headers)?;
        self.response.status = status;
        self.response.headers = headers;
        Ok(rest)
    }

    /// RFC 9112 section 6.3: one length, or chunks alone, or to the connection's end.
    fn framing(&mut self, status: u16, is_1_1: bool, headers: &[Field]) -> Result<State, Unreadable> {
        let mut lengths = values(headers, b"content-length");
        let mut codings = values(headers, b"transfer-encoding");
        let state = match (lengths.next(), codings.next()) {
            (None, None) => State::UntilEnd,
            (Some(length), None) if lengths.next().is_none() => match number(length).ok_or(Unreadable)? {
                0 => State::Whole,
                length => State::Body(length),
            },
            (None, Some(coding))
                if is_1_1 && codings.next().is_none() && coding.eq_ignore_ascii_case(b"chunked") =>
            {
                State::ChunkSize
            }
            _ => return Err(Unreadable),
        };
        if self.is_head || status == 204 || status == 304 {
            return Ok(State::Whole);
        }
        if state == State::UntilEnd {
            self.response.keeps_alive = false;
        }
        if matches!(state, State::Body(length) if length > self.most) {
            return Err(Unreadable);
        }
        Ok(state)
    }

    fn take_body<'i>(&mut self, input: &'i [u8], left: usize) -> Result<&'i [u8], Unreadable> {
        let (body, rest) = input.split_at(left.min(input.len()));
        if body.len() > self.most.saturating_sub(self.response.body.len()) {
            return Err(Unreadable);
        }
        self.response.body.extend_from_slice(body);
        Ok(rest)
    }

    /// A size in hexadecimal digits and nothing else: no extension.
    fn take_size<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Unreadable> {
        let Some(rest) = self.pend(input, b"\r\n", MAX_SIZE_DIGITS + 2)? else { return Ok(&[]) };
        let line = mem::take(&mut self.pending);
        let digits = line.strip_suffix(b"\r\n").ok_or(Unreadable)?;
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Unreadable);
        }
        let size = std::str::from_utf8(digits).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        self.state = match size.ok_or(Unreadable)? {
            0 => State::Trailers,
            size if size > self.most => return Err(Unreadable),
            size => State::Chunk(size),
        };
        Ok(rest)
    }

    fn take_chunk_end<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Unreadable> {
        let Some(rest) = self.pend(input, b"\r\n", 2)? else { return Ok(&[]) };
        if mem::take(&mut self.pending) != b"\r\n" {
            return Err(Unreadable);
        }
        self.state = State::ChunkSize;
        Ok(rest)
    }

    /// Line by line up to the empty one.
    fn take_trailers<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Unreadable> {
        let Some(rest) = self.pend(input, b"\r\n", MAX_HEAD)? else { return Ok(&[]) };
        let line = mem::take(&mut self.pending);
        match line.strip_suffix(b"\r\n") {
            Some([]) => self.state = State::Whole,
            Some(line) if self.response.trailers.len() < MAX_HEADERS => {
                let (name, value) = header(line).ok_or(Unreadable)?;
                self.response.trailers.push((name.to_ascii_lowercase(), value));
            }
            _ => return Err(Unreadable),
        }
        Ok(rest)
    }

    /// Adds to what is pending up to the first `end`; none while that has not come.
    fn pend<'i>(&mut self, input: &'i [u8], end: &[u8], most: usize) -> Result<Option<&'i [u8]>, Unreadable> {
        let before = self.pending.len();
        let room = (most + 1).saturating_sub(before).min(input.len());
        self.pending.extend_from_slice(input.get(..room).unwrap_or_default());
        // The end may have begun in what came before.
        let from = before.saturating_sub(end.len() - 1);
        let found =
            self.pending.get(from..).and_then(|new| new.windows(end.len()).position(|part| part == end));
        let Some(found) = found else {
            return if self.pending.len() > most { Err(Unreadable) } else { Ok(None) };
        };
        let size = from + found + end.len();
        if size > most {
            return Err(Unreadable);
        }
        self.pending.truncate(size);
        Ok(input.get(size - before..))
    }
}

/// `HTTP/1.1 200 OK`: whether it is HTTP/1.1 (else 1.0), and the status.
fn status_line(line: &[u8]) -> Option<(bool, u16)> {
    let (is_1_1, rest) = match (line.strip_prefix(b"HTTP/1.1 "), line.strip_prefix(b"HTTP/1.0 ")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return None,
    };
    let (digits, phrase) = rest.split_at_checked(3)?;
    let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    if !digits.iter().all(u8::is_ascii_digit)
        || !(phrase.is_empty() || phrase.starts_with(b" "))
        || !phrase.iter().all(is_text)
    {
        return None;
    }
    let status = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (100..600).contains(&status).then_some((is_1_1, status))
}

fn read_fields(mut lines: &[u8]) -> Result<Vec<Field>, Unreadable> {
    let mut fields = Vec::new();
    loop {
        let end = lines.windows(2).position(|pair| pair == b"\r\n");
        let line = end.map_or(lines, |end| lines.get(..end).unwrap_or_default());
        let (name, value) = header(line).ok_or(Unreadable)?;
        if fields.len() == MAX_HEADERS {
            return Err(Unreadable);
        }
        fields.push((name.to_ascii_lowercase(), value));
        match end.and_then(|end| lines.get(end + 2..)) {
            Some(rest) => lines = rest,
            None => return Ok(fields),
        }
    }
}

fn values<'h>(headers: &'h [Field], wanted: &'static [u8]) -> impl Iterator<Item = &'h [u8]> {
    headers.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_slice())
}

fn closes(headers: &[Field]) -> bool {
    values(headers, b"connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn number(text: &[u8]) -> Option<usize> {
    let is_plain = (1..=15).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
