//! CBOR, as much as an authenticator writes. Canonical when members are given in order.

/// A number.
pub fn number(value: i64) -> Vec<u8> {
    match u64::try_from(value) {
        Ok(value) => head(0, value),
        Err(_) => head(1, (-1 - value).unsigned_abs()),
    }
}

/// A byte string.
pub fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

/// A text.
pub fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

/// A list of items.
pub fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

/// Pairs of items, in this order.
pub fn map(members: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let members_of = members.iter().flat_map(|(key, value)| [key.clone(), value.clone()]);
    [head(5, members.len() as u64), members_of.collect::<Vec<_>>().concat()].concat()
}

fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    match value {
        0..=23 => vec![major | value as u8],
        24..=0xff => vec![major | 24, value as u8],
        0x100..=0xffff => [&[major | 25][..], &(value as u16).to_be_bytes()].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26][..], &(value as u32).to_be_bytes()].concat(),
        _ => [&[major | 27][..], &value.to_be_bytes()].concat(),
    }
}
