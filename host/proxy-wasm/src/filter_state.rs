//! Properties that plugins set.

use std::collections::BTreeMap;

use crate::status::Status;
use crate::types::PropertyPath;

/// What the plugins of one request keep with it: one value for each request, shared by the streams
/// that the request has in several VMs.
///
/// As in Envoy: what is set under `postern.reason` is read under the path `filter_state`,
/// `wasm.postern.reason`, by the same and by later plugins, and by the access log.
#[derive(Clone, Debug, Default)]
pub struct FilterState {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl FilterState {
    /// Bytes of all paths and values.
    pub const MOST_BYTES: usize = 64 << 10;
    const PREFIX: &'static [u8] = b"filter_state\0wasm.";

    /// For [`Stream::set_property`](crate::Stream::set_property).
    ///
    /// # Errors
    /// [`Status::InternalFailure`] when it would be more than [`FilterState::MOST_BYTES`].
    pub fn set(&mut self, path: PropertyPath<'_>, value: &[u8]) -> Result<(), Status> {
        let path = path.as_bytes();
        let before = self.values.get(path).map_or(0, |old| path.len() + old.len());
        let bytes = self.bytes - before + path.len() + value.len();
        if bytes > Self::MOST_BYTES {
            return Err(Status::InternalFailure);
        }
        self.bytes = bytes;
        self.values.insert(path.to_vec(), value.to_vec());
        Ok(())
    }

    /// For [`Stream::property`](crate::Stream::property): a path below `filter_state`, or the path
    /// itself as it was set.
    pub fn property(&self, path: PropertyPath<'_>) -> Option<&[u8]> {
        let path = path.as_bytes();
        self.get(path.strip_prefix(Self::PREFIX).unwrap_or(path))
    }

    /// For the access log: what was set under that path.
    pub fn get(&self, path: &[u8]) -> Option<&[u8]> {
        self.values.get(path).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_below_filter_state() {
        let mut state = FilterState::default();
        state.set(PropertyPath::new(b"postern.reason"), b"one").unwrap();
        state.set(PropertyPath::new(b"postern.reason"), b"two").unwrap();
        let read = |path: &[u8]| state.property(PropertyPath::new(path)).map(<[u8]>::to_vec);
        assert_eq!(read(b"filter_state\0wasm.postern.reason"), Some(b"two".to_vec()));
        assert_eq!(read(b"postern.reason"), Some(b"two".to_vec()));
        assert_eq!(read(b"filter_state\0postern.reason"), None);
    }

    #[test]
    fn it_is_bounded_and_counts_what_was_replaced() {
        let mut state = FilterState::default();
        let half = vec![0; FilterState::MOST_BYTES / 2];
        for _ in 0..10 {
            state.set(PropertyPath::new(b"a"), &half).unwrap();
        }
        assert_eq!(state.set(PropertyPath::new(b"b"), &half), Err(Status::InternalFailure));
        assert_eq!(state.get(b"b"), None);
    }
}
