//! Whether an HTTP/2 client is amid a block of headers: the counterpart of an unfinished head.
//!
//! Frames' own headers are read (RFC 9113 section 4.1), nothing else: what they mean is h2's
//! business. A client that begins a frame, or a block of headers, has to end it in time.

/// The client's connection preface, RFC 9113 section 3.4.
const PREFACE: u32 = 24;
/// Length (3 bytes), type, flags, stream (4 bytes).
const FRAME_HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// The frames of one connection, as they come.
pub(super) struct Frames {
    /// Bytes of the preface or of a frame's payload that are still to come.
    skip: u32,
    header: [u8; FRAME_HEADER],
    /// How much of it has come.
    known: usize,
    is_amid_headers: bool,
    /// How often everything that had begun had ended.
    pub(super) ended: u64,
}

impl Default for Frames {
    fn default() -> Self {
        Self { skip: PREFACE, header: [0; FRAME_HEADER], known: 0, is_amid_headers: false, ended: 0 }
    }
}

impl Frames {
    /// Takes note of what came.
    pub(super) fn take(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            let skipped = input.len().min(self.skip as usize);
            input = input.get(skipped..).unwrap_or_default();
            // At most `skip`, which is a u32.
            self.skip -= u32::try_from(skipped).unwrap_or(self.skip);
            if skipped > 0 {
                self.note_end();
            }
            let Some((byte, rest)) = input.split_first() else { return };
            if let Some(place) = self.header.get_mut(self.known) {
                *place = *byte;
            }
            self.known += 1;
            input = rest;
            if self.known == FRAME_HEADER {
                self.known = 0;
                self.begin_frame();
            }
        }
    }

    fn begin_frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.header;
        self.skip = u32::from_be_bytes([0, a, b, c]);
        if matches!(kind, HEADERS | CONTINUATION) {
            self.is_amid_headers = flags & END_HEADERS == 0;
        }
        self.note_end();
    }

    fn note_end(&mut self) {
        if !self.is_amid_head() {
            self.ended += 1;
        }
    }

    /// Whether a frame or a block of headers has begun and not ended.
    pub(super) fn is_amid_head(&self) -> bool {
        self.is_amid_headers || self.skip > 0 || self.known > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn a_block_of_headers_ends_with_its_flag_however_it_is_cut() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let settings = frame(4, 0, &[]);
        let unfinished = frame(HEADERS, 0, b"abc");
        let end = frame(CONTINUATION, END_HEADERS, b"");
        let data = frame(0, 1, b"0123456789");
        for step in [1, 2, 5, 100] {
            let mut frames = Frames::default();
            let mut take = |bytes: &[u8]| {
                bytes.chunks(step).for_each(|piece| frames.take(piece));
                frames.is_amid_head()
            };
            assert!(take(&preface[..20]), "the preface is not whole");
            assert!(!take(&preface[20..]));
            assert!(!take(&settings));
            assert!(take(&unfinished));
            assert!(take(&frame(CONTINUATION, 0, b"def")), "PINGs may not come in between, and do not help");
            assert!(!take(&end));
            assert!(!take(&[data.clone(), frame(HEADERS, 5, b"x")].concat()));
            assert!(take(&data[..12]), "a frame that is not whole");
            assert_eq!(frames.ended, 5, "preface, settings, one block, data, the next block");
        }
    }
}
