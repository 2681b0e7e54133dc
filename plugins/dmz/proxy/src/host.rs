//! What the proxy does for a filter, besides the request itself.

use core::cell::RefCell;
use core::time::Duration;

use crate::abi;
use crate::calls;
use crate::pairs::HeaderPairs;

pub use crate::abi::Failed;

/// Writes a line at level warn to the proxy's log.
pub fn warn(message: &str) {
    abi::log(3, message);
}

/// Writes a line at level info to the proxy's log.
pub fn info(message: &str) {
    abi::log(2, message);
}

/// Seconds since 1970-01-01T00:00:00Z, or none when the host has no clock: then nothing that
/// depends on time may be accepted.
pub fn now() -> Option<u64> {
    abi::current_time().ok().map(|nanoseconds| nanoseconds.div_euclid(1_000_000_000))
}

/// Milliseconds since 1970-01-01T00:00:00Z, or none when the host has no clock.
pub fn now_milliseconds() -> Option<u64> {
    abi::current_time().ok().map(|nanoseconds| nanoseconds.div_euclid(1_000_000))
}

/// A property of the connection or the request, such as `["source", "address"]`.
///
/// # Errors
/// [`Failed::NOT_FOUND`] when there is none, others when it can't be read now.
pub fn property(path: &[&str]) -> Result<Vec<u8>, Failed> {
    abi::property(&path.join("\0"))
}

/// A value that all workers of the proxy share, and its version. It survives a reload of the VM.
///
/// # Errors
/// When the host refuses; an absent value is `Ok(None)`.
pub fn shared(key: &str) -> Result<Option<(Vec<u8>, u32)>, Failed> {
    match abi::shared_data(key) {
        Ok(found) => Ok(Some(found)),
        Err(Failed::NOT_FOUND) => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// The version of no value: to create a key of which [`shared`] found nothing, and lose to whoever
/// creates it first.
pub const ABSENT: u32 = u32::MAX;

/// Writes a shared value; with a version, only if it is still that one.
/// There is no way to delete one: use fixed keys. No version at all writes unconditionally; to
/// create a key pass [`ABSENT`].
///
/// # Errors
/// [`Failed::STALE`] when the version is another by now.
pub fn set_shared(key: &str, value: &[u8], version: Option<u32>) -> Result<(), Failed> {
    abi::set_shared_data(key, value, version.unwrap_or(0))
}

/// Calls a function that this proxy has beyond the ABI.
///
/// # Errors
/// [`Failed::NOT_FOUND`] when it has no such function.
pub fn foreign(name: &str, arguments: &[u8]) -> Result<Vec<u8>, Failed> {
    abi::call_foreign_function(name, arguments)
}

/// A counter among the proxy's statistics.
#[derive(Clone, Copy, Debug)]
pub struct Counter(Option<u32>);

impl Counter {
    /// Defines the counter. Without one the filter still works: counting then does nothing.
    pub fn define(name: &str) -> Self {
        Self(abi::define_counter(name).ok())
    }

    /// Counts one.
    pub fn increment(self) {
        if let Some(id) = self.0 {
            let _ = abi::increment_metric(id, 1);
        }
    }
}

/// A number among the proxy's statistics.
#[derive(Clone, Copy, Debug)]
pub struct Gauge(Option<u32>);

impl Gauge {
    /// Defines the gauge. Without one the filter still works: setting it then does nothing.
    pub fn define(name: &str) -> Self {
        Self(abi::define_gauge(name).ok())
    }

    /// Sets it.
    pub fn set(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = abi::record_metric(id, value);
        }
    }
}

/// An HTTP request of the filter's own, sent by the proxy.
#[derive(Clone, Debug)]
pub struct Call {
    /// Name of the proxy's cluster.
    pub cluster: String,
    /// `:method`
    pub method: &'static str,
    /// `:authority`
    pub authority: String,
    /// `:path`
    pub path: String,
    /// After this the call counts as failed.
    pub timeout: Duration,
    /// Largest body of the response, in bytes: a larger one counts as a failed call.
    pub limit: usize,
}

/// Identifies a call until its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub(crate) u32);

impl Call {
    /// Sends it. The response comes to `on_call_response` of whoever was running.
    ///
    /// # Errors
    /// No response will come: go on without.
    pub fn send(&self) -> Result<CallId, Failed> {
        self.send_with(&[])
    }

    /// Sends it with further headers.
    ///
    /// # Errors
    /// No response will come: go on without.
    pub fn send_with(&self, further: &[(&str, &str)]) -> Result<CallId, Failed> {
        self.send_body(further, &[])
    }

    /// Sends it with further headers and a body. Neither is kept: both may hold secrets.
    ///
    /// # Errors
    /// No response will come: go on without.
    pub fn send_body(&self, further: &[(&str, &str)], body: &[u8]) -> Result<CallId, Failed> {
        let mut headers = vec![
            (":method", self.method),
            (":authority", self.authority.as_str()),
            (":path", self.path.as_str()),
            (":scheme", "https"),
            ("accept", "application/json"),
        ];
        headers.extend_from_slice(further);
        let timeout = u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX);
        let call = abi::http_call(&self.cluster, &crate::pairs::serialise(&headers), body, timeout)?;
        calls::sent(call);
        Ok(CallId(call))
    }
}

/// What came back of a [`Call`].
#[derive(Clone, Debug)]
pub struct CallResponse {
    /// `:status`. A refused connection looks like 503, a timeout like 504.
    pub status: u16,
    /// The headers.
    pub headers: HeaderPairs,
    /// The whole body.
    pub body: Vec<u8>,
}

impl CallResponse {
    /// The response that just came in; none when the call failed or the body is over the limit.
    pub(crate) fn read(body_size: usize, limit: usize) -> Option<Self> {
        let headers = HeaderPairs::within(abi::header_pairs(abi::Map::CallResponse).ok()?);
        let status = core::str::from_utf8(headers.first(b":status")?).ok()?.parse().ok()?;
        if body_size > limit {
            warn("a response to a call of the filter is over its limit");
            return None;
        }
        let body = if body_size == 0 {
            Vec::new()
        } else {
            abi::buffer(abi::Buffer::CallResponseBody, body_size).ok()?
        };
        (body.len() == body_size).then_some(Self { status, headers, body })
    }
}

/// Random bytes, drawn from the proxy in blocks: one call into the host serves 64 requests.
#[derive(Debug, Default)]
pub struct Entropy {
    pool: RefCell<Vec<u8>>,
}

impl Entropy {
    const BLOCK: usize = 1024;

    /// 16 random bytes, or none when the host has no randomness.
    pub fn sixteen(&self) -> Option<[u8; 16]> {
        let mut pool = self.pool.try_borrow_mut().ok()?;
        if pool.len() < 16 {
            let mut block = vec![0; Self::BLOCK];
            getrandom::fill(&mut block).ok()?;
            *pool = block;
        }
        let start = pool.len().checked_sub(16)?;
        pool.split_off(start).try_into().ok()
    }
}
