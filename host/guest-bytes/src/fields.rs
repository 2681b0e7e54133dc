//! Maps of HTTP fields (proxy-wasm ABI 0.2.1): number of pairs, sizes of names and values, then names and
//! values, each followed by NUL. All numbers have 32 bits, little endian.

/// Names and values, in order.
pub type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

/// Reads a map. No bytes and one or more zero bytes are no pairs; anything else must be exact, to the
/// last byte, else it is none.
pub fn read_fields(bytes: &[u8]) -> Option<Fields<'_>> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(Vec::new());
    }
    let number = |at: usize| -> Option<usize> {
        let number = bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)?;
        usize::try_from(number).ok()
    };
    let count = number(0)?;
    if count > bytes.len() / 8 {
        return None;
    }
    let mut text = 4 + 8 * count;
    let mut take = |size: usize| -> Option<&[u8]> {
        let end = text.checked_add(size)?;
        let found = bytes.get(text..end)?;
        if bytes.get(end) != Some(&0) {
            return None;
        }
        text = end + 1;
        Some(found)
    };
    let mut pairs = Vec::with_capacity(count);
    for pair in 0..count {
        let name = take(number(4 + 8 * pair)?)?;
        pairs.push((name, take(number(8 + 8 * pair)?)?));
    }
    (text == bytes.len()).then_some(pairs)
}
