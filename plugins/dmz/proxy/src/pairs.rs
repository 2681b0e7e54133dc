//! Header pairs as the proxy hands them over.

/// Headers in the serialised form of the proxy-wasm ABI, read without copying.
///
/// The form: the number of pairs, for each pair the sizes of name and value, then for each pair
/// name, NUL, value, NUL. Numbers are 32 bits, little endian.
#[derive(Clone, Debug, Default)]
pub struct HeaderPairs {
    block: Vec<u8>,
    /// Of the block, in bytes.
    size: usize,
}

impl HeaderPairs {
    /// The pairs in this buffer. What does not fit the form ends the iteration, see [`Self::is_whole`].
    pub fn new(serialised: Vec<u8>) -> Self {
        let size = serialised.len();
        Self { block: serialised, size }
    }

    /// The same of a block with so many bytes of pairs, and others behind them.
    pub fn within((block, size): (Vec<u8>, usize)) -> Self {
        Self { block, size }
    }

    /// Takes the block out, whole.
    pub fn take_block(&mut self) -> Vec<u8> {
        self.size = 0;
        core::mem::take(&mut self.block)
    }

    fn serialised(&self) -> &[u8] {
        self.block.get(..self.size).unwrap_or_default()
    }

    /// The pairs in order, pseudo headers included. Names are lower case in Envoy.
    pub fn iter(&self) -> Pairs<'_> {
        let all = || {
            let (_, rest) = self.serialised().split_first_chunk::<4>()?;
            rest.split_at_checked(self.count().checked_mul(8)?)
        };
        let (sizes, texts) = all().unwrap_or_default();
        Pairs { sizes, texts }
    }

    /// Whether the buffer has the form. A request whose headers do not is refused.
    pub fn is_whole(&self) -> bool {
        let Pairs { sizes, texts } = self.iter();
        let (sizes, rest) = sizes.as_chunks::<4>();
        // Each of them is followed by a NUL; the last one may be missing.
        let all = sizes.iter().try_fold(0_usize, |all, size| all.checked_add(number(size)?)?.checked_add(1));
        let is_all_there = all.is_some_and(|all| all <= texts.len().saturating_add(1));
        rest.is_empty() && sizes.len() / 2 == self.count() && is_all_there
    }

    /// How many pairs there should be.
    fn count(&self) -> usize {
        self.serialised().first_chunk().and_then(number).unwrap_or(0)
    }

    /// The value of the first header of that name.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }
}

impl<'a> IntoIterator for &'a HeaderPairs {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
        self.iter()
    }
}

/// Iterates over name and value.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    /// Of the pairs that are left.
    sizes: &'a [u8],
    /// Name, NUL, value, NUL of each of them.
    texts: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.sizes.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        self.sizes = rest;
        Some((self.take(number(name)?)?, self.take(number(value)?)?))
    }
}

impl<'a> Pairs<'a> {
    /// The next text, and steps over the NUL behind it.
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (text, rest) = self.texts.split_at_checked(size)?;
        self.texts = rest.get(1..).unwrap_or_default();
        Some(text)
    }
}

/// Writes pairs in the form of the ABI. A size that does not fit 32 bits empties the result.
pub fn serialise(pairs: &[(&str, &str)]) -> Vec<u8> {
    let size = |size: usize| u32::try_from(size).map(u32::to_le_bytes).ok();
    let write = || {
        let mut bytes = size(pairs.len())?.to_vec();
        for (name, value) in pairs {
            bytes.extend(size(name.len())?);
            bytes.extend(size(value.len())?);
        }
        for (name, value) in pairs {
            bytes.extend(name.bytes().chain([0]).chain(value.bytes()).chain([0]));
        }
        Some(bytes)
    };
    write().unwrap_or_default()
}

fn number(bytes: &[u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn serialised(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut bytes = (pairs.len() as u32).to_le_bytes().to_vec();
        for (name, value) in pairs {
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend((value.len() as u32).to_le_bytes());
        }
        for (name, value) in pairs {
            bytes.extend([*name, b"\0", value, b"\0"].concat());
        }
        bytes
    }

    #[test]
    fn pairs_are_read_in_order_with_values_that_are_not_text() {
        let sent: [(&[u8], &[u8]); 3] = [(b":path", b"/samlsso"), (b"x", b"\xff\xfe"), (b"empty", b"")];
        let pairs = HeaderPairs::new(serialised(&sent));
        assert_eq!(pairs.iter().collect::<Vec<_>>(), sent);
        assert!(pairs.is_whole());
        assert_eq!(pairs.first(b"x"), Some(b"\xff\xfe".as_slice()));
        assert_eq!(pairs.first(b"absent"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let sent = [("content-type", "text/plain"), ("x-empty", "")];
        let pairs = HeaderPairs::new(serialise(&sent));
        let read: Vec<_> = pairs.iter().collect();
        assert_eq!(read, sent.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    }

    #[test]
    fn a_buffer_cut_anywhere_is_not_whole() {
        let whole = serialised(&[(b":path", b"/samlsso"), (b"name", b"value")]);
        for length in 4..whole.len() - 1 {
            assert!(!HeaderPairs::new(whole[..length].to_vec()).is_whole(), "cut at {length}");
        }
        assert!(HeaderPairs::new(Vec::new()).is_whole());
        assert!(!HeaderPairs::new(vec![0xff; 64]).is_whole());
    }
}
