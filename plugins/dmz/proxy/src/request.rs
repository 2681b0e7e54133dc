//! The request as a filter sees it.

use core::cell::{Cell, OnceCell};
use std::rc::Rc;

use postern_refusal::Refusal;

use crate::abi;
use crate::host::Entropy;
use crate::pairs::{HeaderPairs, Pairs};

/// Carries the correlation id from the first filter of a chain to the next and to the LAN.
pub const CORRELATION_HEADER: &str = "x-postern-correlation-id";

/// Where the proxy keeps the id, or an earlier filter does: `filter_state` and the key.
const CORRELATION_STATE: &str = "filter_state\0wasm.postern.correlation";

/// A copy of the request's headers, taken when they came, and the handle to edit them.
///
/// Edits reach the request while it is held: in the header callback, and in the callbacks after
/// a `HoldFor…` verdict. They are not seen in the copy.
#[derive(Debug)]
pub struct Request {
    pairs: HeaderPairs,
    has_body: bool,
    entropy: Rc<Entropy>,
    correlation: OnceCell<String>,
    trusts_correlation_header: Cell<bool>,
    names: OnceCell<SetNames>,
    set: SetNames,
}

impl Request {
    /// Copies the headers, in the header callback only.
    pub(crate) fn read(end_of_stream: bool, entropy: Rc<Entropy>) -> Self {
        let pairs = HeaderPairs::within(abi::header_pairs(abi::Map::Request).unwrap_or_default());
        Self {
            pairs,
            has_body: !end_of_stream,
            entropy,
            correlation: OnceCell::new(),
            trusts_correlation_header: Cell::new(true),
            names: OnceCell::new(),
            set: SetNames::default(),
        }
    }

    /// Whether the headers could be read at all.
    pub(crate) fn is_readable(&self) -> bool {
        self.pairs.first(b":method").is_some() && self.pairs.is_whole()
    }

    /// `:method`, empty when there is none.
    pub fn method(&self) -> &[u8] {
        self.pairs.first(b":method").unwrap_or_default()
    }

    /// `:path`: the raw request target with its query, empty when there is none (CONNECT).
    pub fn target(&self) -> &[u8] {
        self.pairs.first(b":path").unwrap_or_default()
    }

    /// `:authority` or Host, empty when there is none.
    pub fn authority(&self) -> &[u8] {
        self.pairs.first(b":authority").unwrap_or_default()
    }

    /// Whether a body follows.
    pub fn has_body(&self) -> bool {
        self.has_body
    }

    /// All headers in order, pseudo headers included, names in lower case.
    pub fn headers(&self) -> Pairs<'_> {
        self.pairs.iter()
    }

    /// The value of a header that may stand there once.
    ///
    /// # Errors
    /// `proxy.header.duplicate`.
    pub fn single(&self, name: &str) -> Result<Option<&[u8]>, Refusal> {
        let mut found = self.pairs.iter().filter(|(candidate, _)| *candidate == name.as_bytes());
        let first = found.next();
        if found.next().is_some() {
            return Err(Refusal::misbehaved("proxy.header.duplicate").at(name).expected("the header once"));
        }
        Ok(first.map(|(_, value)| value))
    }

    /// Sets a header of the request that goes on, in place of all of that name.
    ///
    /// # Errors
    /// `proxy.host-call.failed`: the request must not go on.
    pub fn set_header(&self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        // Replacing makes Envoy look for the name, and put all headers into a map for that: a third
        // of what a no-op filter costs.
        let is_there = self.set.may_have(name) || self.names().may_have(name) && self.has(name);
        let edit = if is_there { abi::replace_header } else { abi::add_header };
        edit(abi::Map::Request, name, value).map_err(|failed| edit_failed(name.as_bytes(), failed))?;
        self.set.insert(name.as_bytes());
        Ok(())
    }

    /// Of the headers that came.
    fn names(&self) -> &SetNames {
        self.names.get_or_init(|| {
            let names = SetNames::default();
            self.headers().for_each(|(name, _)| names.insert(name));
            names
        })
    }

    fn has(&self, name: &str) -> bool {
        self.headers().any(|(candidate, _)| candidate.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Removes every header of that name from the request that goes on.
    ///
    /// # Errors
    /// `proxy.host-call.failed`: the request must not go on.
    pub fn remove_header(&self, name: &[u8]) -> Result<(), Refusal> {
        abi::remove_header(abi::Map::Request, name).map_err(|failed| edit_failed(name, failed))
    }

    /// The address of the client as `1.2.3.4:5678` or `[::1]:5678`, when the proxy knows it.
    pub fn source_address(&self) -> Option<String> {
        abi::property("source\0address").ok().and_then(|address| String::from_utf8(address).ok())
    }

    /// The id that ties log lines and answers of this request together: letters, digits and
    /// hyphens. The proxy's own or that of an earlier filter in the chain, else a new one.
    pub fn correlation_id(&self) -> &str {
        self.correlation.get_or_init(|| {
            let told = abi::property(CORRELATION_STATE).ok().and_then(|value| correlation_text(&value));
            let earlier = || self.pairs.first(CORRELATION_HEADER.as_bytes()).and_then(correlation_text);
            let trusted = self.trusts_correlation_header.get();
            told.or_else(|| earlier().filter(|_| trusted)).unwrap_or_else(|| self.fresh_id())
        })
    }

    /// For the first filter of a chain: the header is the client's.
    pub fn distrust_correlation_header(&self) {
        self.trusts_correlation_header.set(false);
    }

    /// Tells the id to the next filter and the LAN in a header, and to the access log in the filter
    /// state `wasm.postern.correlation`: what is refused before the first filter still has the
    /// client's header, and no filter state.
    ///
    /// # Errors
    /// `proxy.host-call.failed`: the request must not go on.
    pub fn announce_correlation_id(&self) -> Result<(), Refusal> {
        let id = self.correlation.get_or_init(|| self.fresh_id());
        abi::set_property("postern.correlation", id.as_bytes())
            .map_err(|failed| edit_failed(CORRELATION_HEADER.as_bytes(), failed))?;
        self.set_header(CORRELATION_HEADER, id.as_bytes())
    }

    /// Keeps a text for the access log, as filter state `wasm.postern.<name>`. Not for secrets.
    pub fn note(&self, name: &str, text: &str) {
        // Without it the line of the log has a gap; the request is the same.
        let _ = abi::set_property(&format!("postern.{name}"), text.as_bytes());
    }

    /// The same for a request that is refused: the access log alone has a use for it. Where the
    /// proxy made the id it stays.
    pub(crate) fn log_correlation_id(&self) {
        let _ = abi::set_property("postern.correlation", self.correlation_id().as_bytes());
    }

    fn fresh_id(&self) -> String {
        // Without randomness the id is a constant: it is a reference for people, not a secret.
        let bytes = self.entropy.sixteen().unwrap_or_default();
        u128_hex(u128::from_be_bytes(bytes))
    }
}

/// The next request's headers take its place.
impl Drop for Request {
    fn drop(&mut self) {
        abi::recycle(self.pairs.take_block());
    }
}

/// Names of headers, roughly: what is in it is found, and sometimes what is not.
#[derive(Debug, Default)]
struct SetNames(Cell<u64>);

impl SetNames {
    fn insert(&self, name: &[u8]) {
        self.0.set(self.0.get() | Self::bit(name));
    }

    fn may_have(&self, name: &str) -> bool {
        self.0.get() & Self::bit(name.as_bytes()) != 0
    }

    /// By length, first and last letter, whatever their case.
    fn bit(name: &[u8]) -> u64 {
        let letter = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(byte.to_ascii_lowercase()));
        let ends = letter(name.first()).wrapping_mul(7).wrapping_add(letter(name.last()).wrapping_mul(3));
        1_u64.rotate_left(ends.wrapping_add(name.len() as u32))
    }
}

fn edit_failed(name: &[u8], failed: abi::Failed) -> Refusal {
    Refusal::internal("proxy.host-call.failed")
        .at(&String::from_utf8_lossy(name))
        .expected("the header to be edited")
        .found(&failed.to_string())
}

fn u128_hex(number: u128) -> String {
    format!("{number:032x}")
}

/// An id of our own form or a UUID, so that nothing else gets into answers and logs.
fn correlation_text(value: &[u8]) -> Option<String> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let well_formed = match value.len() {
        32 => value.iter().all(|byte| digit(*byte)),
        36 => value.iter().all(|byte| digit(*byte) || *byte == b'-'),
        _ => false,
    };
    well_formed.then(|| String::from_utf8_lossy(value).into_owned())
}
