//! Where each HTTP/1.1 message of a connection begins and ends: keep-alive and pipelined ones too.

use std::mem;

use crate::head::{Framing, MAX_HEAD, RefusedHead, judge, too_large};

/// Most digits of a chunk's size: 256 MiB, beyond every body that is taken.
const MAX_SIZE_DIGITS: u8 = 7;

/// The messages of one connection, as they come.
#[derive(Default)]
pub struct Messages {
    state: State,
    /// The head so far.
    head: Vec<u8>,
    /// How many heads were let through.
    pub passed: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Body(u64),
    Chunk(Chunk),
}

/// RFC 9112 section 7.1, without extensions and trailers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chunk {
    Size { value: u64, digits: u8 },
    SizeEnd(u64),
    Data(u64),
    DataEnd { seen_cr: bool },
    LastEnd { seen_cr: bool },
}

/// Why nothing more of a connection is let through.
pub enum Stop {
    /// A head is refused.
    Head(Box<RefusedHead>),
    /// A body's chunks are not well-formed: where it ends is not known.
    Chunks,
}

impl Messages {
    /// Whether the beginning of a head has come, and its end has not.
    pub fn is_amid_head(&self) -> bool {
        self.state == State::Head && !self.head.is_empty()
    }

    /// Takes what came, and adds to `passed` what is let through: whole heads, and their bodies
    /// as they come.
    ///
    /// # Errors
    /// [`Stop`]: nothing that comes later is taken.
    pub fn take(&mut self, mut input: &[u8], passed: &mut Vec<u8>) -> Result<(), Stop> {
        while !input.is_empty() {
            input = match self.state {
                State::Head => self.take_head(input, passed)?,
                State::Body(left) => {
                    let (body, rest) = split(input, left);
                    passed.extend_from_slice(body);
                    let left = left.saturating_sub(body.len() as u64);
                    self.state = if left == 0 { State::Head } else { State::Body(left) };
                    rest
                }
                State::Chunk(chunk) => self.take_chunk(chunk, input, passed)?,
            };
        }
        Ok(())
    }

    fn take_head<'i>(&mut self, input: &'i [u8], passed: &mut Vec<u8>) -> Result<&'i [u8], Stop> {
        let before = self.head.len();
        let room = (MAX_HEAD + 1).saturating_sub(before).min(input.len());
        let (taken, rest) = input.split_at(room);
        self.head.extend_from_slice(taken);
        // The end may have begun in what came before.
        let from = before.saturating_sub(3);
        let found = self.head.get(from..).and_then(|new| new.windows(4).position(|four| four == b"\r\n\r\n"));
        let Some(found) = found else {
            return if self.head.len() > MAX_HEAD {
                Err(Stop::Head(Box::new(RefusedHead::unread(too_large()))))
            } else {
                Ok(rest)
            };
        };
        let end = from + found + 4;
        let after = input.get(end - before..).unwrap_or_default();
        self.head.truncate(end);
        let head = mem::take(&mut self.head);
        self.state = match judge(&head).map_err(Stop::Head)? {
            Framing::Length(0) => State::Head,
            Framing::Length(length) => State::Body(length),
            Framing::Chunked => State::Chunk(Chunk::Size { value: 0, digits: 0 }),
        };
        self.passed += 1;
        passed.extend_from_slice(&head);
        Ok(after)
    }

    fn take_chunk<'i>(
        &mut self,
        chunk: Chunk,
        input: &'i [u8],
        passed: &mut Vec<u8>,
    ) -> Result<&'i [u8], Stop> {
        if let Chunk::Data(left) = chunk {
            let (data, rest) = split(input, left);
            passed.extend_from_slice(data);
            let left = left.saturating_sub(data.len() as u64);
            self.state = State::Chunk(match left {
                0 => Chunk::DataEnd { seen_cr: false },
                left => Chunk::Data(left),
            });
            return Ok(rest);
        }
        let Some((byte, rest)) = input.split_first() else { return Ok(input) };
        let next = match (chunk, *byte) {
            (Chunk::Size { value, digits }, b'\r') if digits > 0 => Some(Chunk::SizeEnd(value)),
            (Chunk::Size { value, digits }, digit) if digits < MAX_SIZE_DIGITS => {
                let digit = char::from(digit).to_digit(16).ok_or(Stop::Chunks)?;
                Some(Chunk::Size { value: value * 16 + u64::from(digit), digits: digits + 1 })
            }
            (Chunk::SizeEnd(0), b'\n') => Some(Chunk::LastEnd { seen_cr: false }),
            (Chunk::SizeEnd(size), b'\n') => Some(Chunk::Data(size)),
            (Chunk::DataEnd { seen_cr: false }, b'\r') => Some(Chunk::DataEnd { seen_cr: true }),
            (Chunk::DataEnd { seen_cr: true }, b'\n') => Some(Chunk::Size { value: 0, digits: 0 }),
            (Chunk::LastEnd { seen_cr: false }, b'\r') => Some(Chunk::LastEnd { seen_cr: true }),
            (Chunk::LastEnd { seen_cr: true }, b'\n') => None,
            _ => return Err(Stop::Chunks),
        };
        passed.push(*byte);
        self.state = next.map_or(State::Head, State::Chunk);
        Ok(rest)
    }
}

fn split(input: &[u8], at: u64) -> (&[u8], &[u8]) {
    input.split_at(usize::try_from(at).unwrap_or(usize::MAX).min(input.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is let through of these bytes, and why no more.
    fn run(bytes: &[u8], step: usize) -> (Vec<u8>, u64, &'static str) {
        let (mut messages, mut passed) = (Messages::default(), Vec::new());
        for piece in bytes.chunks(step) {
            match messages.take(piece, &mut passed) {
                Ok(()) => {}
                Err(Stop::Head(refused)) => return (passed, messages.passed, refused.refusal.code),
                Err(Stop::Chunks) => return (passed, messages.passed, "chunks"),
            }
        }
        (passed, messages.passed, if messages.is_amid_head() { "amid-head" } else { "" })
    }

    const PIPELINED: &str = "GET /1 HTTP/1.1\r\nhost: a\r\n\r\n\
        POST /2 HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET /\
        POST /3 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n\
        GET /4 HTTP/1.1\r\n\r\n";

    #[test]
    fn pipelined_messages_pass_as_they_came_however_they_are_cut() {
        for step in [1, 2, 3, 7, 64, 4096] {
            let (passed, heads, end) = run(PIPELINED.as_bytes(), step);
            assert_eq!(String::from_utf8(passed).unwrap(), PIPELINED, "{step}");
            assert_eq!((heads, end), (4, ""), "{step}");
        }
    }

    #[test]
    fn nothing_passes_from_a_refused_head_on() {
        let bytes = format!("{PIPELINED}GET /5 HTTP/1.0\r\n\r\nGET /6 HTTP/1.1\r\n\r\n");
        for step in [1, 5, 4096] {
            let (passed, heads, end) = run(bytes.as_bytes(), step);
            assert_eq!(String::from_utf8(passed).unwrap(), PIPELINED);
            assert_eq!((heads, end), (4, "server.head.version"));
        }
    }

    #[test]
    fn chunks_are_read_strictly() {
        let head = "POST /3 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        for chunks in [
            "\r\n",
            "5;a=b\r\n",
            " 5\r\n",
            "5 \r\n",
            "0x5\r\n",
            "g\r\n",
            "5\n",
            "-1\r\n",
            "00000005\r\n",
            "1\r\naX",
            "1\r\na\n",
            "0\r\nx: y\r\n\r\n",
            "0\r\n\n",
        ] {
            for step in [1, 4096] {
                assert_eq!(run(format!("{head}{chunks}").as_bytes(), step).2, "chunks", "{chunks:?}");
            }
        }
        assert_eq!(run(format!("{head}A\r\n0123456789\r\n0\r\n\r\n").as_bytes(), 3).2, "");
    }

    #[test]
    fn a_head_is_bounded_and_known_to_be_unfinished() {
        assert_eq!(run(b"GET / HTTP/1.1\r\nhost", 4).2, "amid-head");
        let long = [b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; MAX_HEAD]].concat();
        assert_eq!(run(&long, 1000).2, "server.head.too-large");
        let fits = [b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; MAX_HEAD - 23], b"\r\n\r\n"].concat();
        assert_eq!((fits.len(), run(&fits, 1000).2), (MAX_HEAD, ""));
    }
}
