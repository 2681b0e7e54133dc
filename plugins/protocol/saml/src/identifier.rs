use postern_refusal::Refusal;

/// Fewest random bytes in an identifier of ours: 128 bits (SAML core section 1.3.4).
const MIN_RANDOM: usize = 16;

/// An identifier of ours from random bytes: an underscore and lower case hexadecimal, since an
/// `xs:ID` may not start with a digit.
///
/// # Errors
/// `saml.identifier.random` when there are fewer than 16 bytes.
pub fn identifier(random: &[u8]) -> Result<String, Refusal> {
    if random.len() < MIN_RANDOM {
        return Err(Refusal::internal("saml.identifier.random").expected("16 random bytes"));
    }
    let mut id = String::with_capacity(random.len().saturating_mul(2).saturating_add(1));
    id.push('_');
    for byte in random {
        for nibble in [byte >> 4, byte & 15] {
            id.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    Ok(id)
}

/// Whether it is an `xs:ID` of a peer: an NCName in ASCII of 8 to 256 bytes. Shorter ones can't
/// be unique enough to tell a replay.
pub(crate) fn is_identifier(id: &str) -> bool {
    let start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let part = |byte: u8| start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (8..=256).contains(&id.len()) && id.bytes().next().is_some_and(start) && id.bytes().all(part)
}
