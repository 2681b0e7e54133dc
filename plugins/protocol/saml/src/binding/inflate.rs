use flate2::{Decompress, FlushDecompress, Status};
use postern_refusal::Refusal;

use super::too_large;
use crate::MessageLimits;

/// Messages up to this size may have any ratio.
const SMALL: usize = 4_096;
/// How much room the output gains at a time.
const STEP: usize = 8_192;

/// Inflates raw deflate (RFC 1951), and stops at the limits, not after them.
pub(super) fn inflate(deflated: &[u8], limits: &MessageLimits) -> Result<Vec<u8>, Refusal> {
    let broken = || {
        Refusal::misbehaved("saml.deflate.broken").at("SAMLRequest").expected("a whole raw deflate stream")
    };
    let most_by_ratio = deflated.len().saturating_mul(limits.max_ratio).max(SMALL);
    let mut stream = Decompress::new(false);
    let mut message = Vec::new();
    loop {
        if message.len() > limits.max_message {
            return Err(too_large("SAMLRequest", limits.max_message, message.len()));
        }
        if message.len() > most_by_ratio {
            return Err(Refusal::misbehaved("saml.deflate.ratio")
                .at("SAMLRequest")
                .expected(&format!("{} times its size at most", limits.max_ratio)));
        }
        let consumed = usize::try_from(stream.total_in()).map_err(|_| broken())?;
        let rest = deflated.get(consumed..).ok_or_else(broken)?;
        let before = message.len();
        message.reserve(STEP);
        let status =
            stream.decompress_vec(rest, &mut message, FlushDecompress::None).map_err(|_| broken())?;
        let consumed_now = usize::try_from(stream.total_in()).map_err(|_| broken())?;
        match status {
            Status::StreamEnd if message.len() > limits.max_message.min(most_by_ratio) => {}
            Status::StreamEnd if consumed_now == deflated.len() => return Ok(message),
            Status::StreamEnd => {
                return Err(Refusal::misbehaved("saml.deflate.trailing")
                    .at("SAMLRequest")
                    .expected("nothing after the deflate stream")
                    .found(&format!("{} bytes", deflated.len().saturating_sub(consumed_now))));
            }
            // Neither read nor written anything: the stream ends in the middle.
            Status::Ok | Status::BufError if message.len() == before && consumed_now == consumed => {
                return Err(broken());
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn code(deflated: &[u8]) -> &'static str {
        inflate(deflated, &MessageLimits::default()).map(|_| "accepted").unwrap_or_else(|r| r.code)
    }

    #[test]
    fn a_stream_comes_back() {
        for size in [0, 1, 100, 8_191, 8_192, 8_193, 60_000] {
            let noise: Vec<u8> =
                (0..size).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            assert_eq!(inflate(&deflate(&noise), &MessageLimits::default()).unwrap(), noise, "{size}");
        }
    }

    #[test]
    fn bombs_trailing_bytes_and_stumps_are_refused() {
        assert_eq!(code(&deflate(&vec![b'a'; 10_000_000])), "saml.message.too-large");
        assert_eq!(code(&deflate(&vec![b'a'; 60_000])), "saml.deflate.ratio");
        let mut trailing = deflate(b"<a/>");
        trailing.push(0);
        assert_eq!(code(&trailing), "saml.deflate.trailing");
        let whole = deflate(&b"<AuthnRequest/>".repeat(3));
        assert_eq!(code(&whole[..whole.len() - 3]), "saml.deflate.broken");
        assert_eq!(code(b""), "saml.deflate.broken");
        assert_eq!(code(&[0xff; 64]), "saml.deflate.broken");
    }
}
