//! Maps of HTTP fields as the ABI has them: number of pairs, sizes of names and values, then names
//! and values, each followed by NUL. All numbers have 32 bits, little endian.

pub(crate) use postern_guest_bytes::Fields as Pairs;

use crate::status::Status;

/// Writes pairs: sizes and texts apart, since all sizes come first.
#[derive(Default)]
pub(crate) struct PairsWriter {
    count: u32,
    sizes: Vec<u8>,
    texts: Vec<u8>,
}

impl PairsWriter {
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.sizes.clear();
        self.texts.clear();
    }

    /// Names go to lower case.
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) {
        let (Ok(name_size), Ok(value_size)) = (u32::try_from(name.len()), u32::try_from(value.len())) else {
            return;
        };
        self.count += 1;
        self.sizes.extend_from_slice(&name_size.to_le_bytes());
        self.sizes.extend_from_slice(&value_size.to_le_bytes());
        let start = self.texts.len();
        self.texts.extend_from_slice(name);
        self.texts[start..].make_ascii_lowercase();
        self.texts.push(0);
        self.texts.extend_from_slice(value);
        self.texts.push(0);
    }

    /// Bytes in all; none for no pairs.
    pub(crate) fn size(&self) -> usize {
        if self.count == 0 { 0 } else { 4 + self.sizes.len() + self.texts.len() }
    }

    /// Names and values, without the frame around them.
    pub(crate) fn text_size(&self) -> usize {
        self.texts.len() - 2 * self.count as usize
    }

    /// `out` has [`PairsWriter::size`] bytes.
    pub(crate) fn write(&self, out: &mut [u8]) {
        let (count, rest) = out.split_at_mut(4);
        let (sizes, texts) = rest.split_at_mut(self.sizes.len());
        count.copy_from_slice(&self.count.to_le_bytes());
        sizes.copy_from_slice(&self.sizes);
        texts.copy_from_slice(&self.texts);
    }
}

/// Reads pairs. No bytes and one or more zero bytes are none; anything else must be exact.
pub(crate) fn read(bytes: &[u8]) -> Result<Pairs<'_>, Status> {
    postern_guest_bytes::read_fields(bytes).ok_or(Status::ParseFailure)
}

/// A name in lower case, if it is a token (RFC 9110 section 5.6.2) or a pseudo header.
pub(crate) fn field_name(name: &[u8], pseudo: bool) -> Result<Vec<u8>, Status> {
    let token = match name.strip_prefix(b":") {
        Some(rest) if pseudo => rest,
        Some(_) => return Err(Status::BadArgument),
        None => name,
    };
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if token.is_empty() || !token.iter().all(allowed) {
        return Err(Status::BadArgument);
    }
    Ok(name.to_ascii_lowercase())
}

/// A value without what would end the field: control characters but tab (RFC 9110 section 5.5).
pub(crate) fn check_value(value: &[u8]) -> Result<(), Status> {
    let allowed = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    if value.iter().all(allowed) { Ok(()) } else { Err(Status::BadArgument) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = PairsWriter::default();
        for (name, value) in pairs {
            writer.push(name.as_bytes(), value.as_bytes());
        }
        let mut out = vec![0; writer.size()];
        if !out.is_empty() {
            writer.write(&mut out);
        }
        out
    }

    #[test]
    fn the_specification_s_example() {
        let bytes = written(&[("A", "1"), ("b", "22")]);
        let sizes = [2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
        assert_eq!(bytes, [&sizes[..], b"a\x001\0b\x0022\0"].concat());
        assert_eq!(read(&bytes), Ok(vec![(&b"a"[..], &b"1"[..]), (b"b", b"22")]));
    }

    #[test]
    fn none_has_three_forms() {
        assert!(written(&[]).is_empty());
        for none in [&[][..], &[0], &[0, 0, 0, 0]] {
            assert_eq!(read(none), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        let good = written(&[("a", "1"), ("b", "22")]);
        for cut in 1..good.len() {
            assert_eq!(read(&good[..cut]), Err(Status::ParseFailure), "{cut}");
        }
        assert_eq!(read(&[&good[..], &[0]].concat()), Err(Status::ParseFailure));
        let mut many = good.clone();
        many[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&many), Err(Status::ParseFailure));
        let mut long = good;
        long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&long), Err(Status::ParseFailure));
    }

    #[test]
    fn names_and_values_that_end_the_field_are_refused() {
        assert_eq!(field_name(b"X-Id", false), Ok(b"x-id".to_vec()));
        assert_eq!(field_name(b":path", true), Ok(b":path".to_vec()));
        for name in [&b""[..], b":", b"a b", b"a:", b"a\r\nb", b"\xe4"] {
            assert_eq!(field_name(name, true), Err(Status::BadArgument), "{name:?}");
        }
        assert_eq!(field_name(b":status", false), Err(Status::BadArgument));
        assert_eq!(check_value(b"a\tb \xff"), Ok(()));
        for value in [&b"a\rb"[..], b"a\nb", b"\0", b"\x7f", b"\x1b"] {
            assert_eq!(check_value(value), Err(Status::BadArgument), "{value:?}");
        }
    }
}
