//! Reads what a guest wrote. It depends on nothing, so that it is fuzzed alone (tests/fuzz).

pub(crate) type Pairs<'a> = Vec<(&'a [u8], &'a [u8])>;

/// No bytes and one or more zero bytes are no pairs; anything else must be exact, else it is none.
pub(crate) fn read(bytes: &[u8]) -> Option<Pairs<'_>> {
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
