//! What passes between a proxy and its plugins.

/// `proxy_action_t`: what the plugin wants done with the headers, body or trailers of the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Send them on.
    Continue,
    /// Hold them, until [`Stream::resume`](crate::Stream::resume) or a local response. Also the
    /// answer whenever the plugin sent a local response, whatever it returned.
    Pause,
}

/// A map of HTTP fields that belongs to a stream: `proxy_map_type_t` 0 to 3. The maps of callouts
/// are the library's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMap {
    /// Pseudo headers (`:method`, `:scheme`, `:authority`, `:path`) come first, as on HTTP/2.
    RequestHeaders = 0,
    /// Trailers of the request.
    RequestTrailers = 1,
    /// `:status` comes first.
    ResponseHeaders = 2,
    /// Trailers of the response.
    ResponseTrailers = 3,
}

/// A body that belongs to a stream: `proxy_buffer_type_t` 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Of the request.
    Request = 0,
    /// Of the response.
    Response = 1,
}

/// One direction of a stream: `proxy_stream_type_t` 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Client to upstream.
    Request = 0,
    /// Upstream to client.
    Response = 1,
}

/// `proxy_log_level_t`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

impl LogLevel {
    pub(crate) fn from_abi(level: u32) -> Option<Self> {
        Some(match level {
            0 => Self::Trace,
            1 => Self::Debug,
            2 => Self::Info,
            3 => Self::Warn,
            4 => Self::Error,
            5 => Self::Critical,
            _ => return None,
        })
    }
}

/// `proxy_metric_type_t`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Goes up.
    Counter = 0,
    /// Goes up and down.
    Gauge = 1,
    /// Records single values.
    Histogram = 2,
}

/// A plugin configuration that runs in a [`Vm`](crate::Vm): a root context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PluginId(pub(crate) usize);

/// A stream of a [`Vm`](crate::Vm). Not used again while the VM lives, not even after its instance
/// was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub(crate) u32);

/// A callout of a [`Vm`](crate::Vm): unique within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub(crate) u32);

impl StreamId {
    /// The number that the plugin knows it by.
    pub fn context(self) -> u32 {
        self.0
    }
}

impl CallId {
    /// The number that the plugin knows it by.
    pub fn token(self) -> u32 {
        self.0
    }
}

/// A response that the plugin gives instead of the upstream.
#[derive(Clone, Copy, Debug)]
pub struct LocalResponse<'a> {
    /// 200 to 599.
    pub status: u16,
    /// For the access log; often a reason code. Any bytes that the plugin chose.
    pub details: &'a [u8],
    /// Lower-case names; names and values are checked: no control characters, no pseudo headers.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// At most [`Limits::local_response_body`](crate::Limits::local_response_body).
    pub body: &'a [u8],
    /// The gRPC status, none when the plugin gave -1.
    pub grpc_status: Option<u32>,
}

/// An HTTP request that the plugin sends.
#[derive(Clone, Copy, Debug)]
pub struct HttpCall<'a> {
    /// The name of an upstream, as the proxy's configuration has it. An unknown one is answered
    /// with [`Status::BadArgument`](crate::Status::BadArgument).
    pub upstream: &'a [u8],
    /// Lower-case names; `:method`, `:path` and `:authority` are there once.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// At most [`Limits::call_body`](crate::Limits::call_body).
    pub body: &'a [u8],
    /// Trailers, mostly none.
    pub trailers: &'a [(&'a [u8], &'a [u8])],
    /// After which the call has failed.
    pub timeout: std::time::Duration,
}

/// What came back. A call that failed (refused, timed out, cut short, too large) is
/// [`HttpCallResponse::failed`]; Envoy answers those with a made-up 503 or 504, which a filter must
/// tell from a real one by `:status` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpCallResponse {
    /// `:status` first, lower-case names.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl HttpCallResponse {
    /// No headers at all: the plugin sees that the call failed.
    pub fn failed() -> Self {
        Self::default()
    }
}

/// The path of a property: parts separated by NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PropertyPath<'a>(&'a [u8]);

impl<'a> PropertyPath<'a> {
    /// A path as the ABI has it, such as `source\0address`.
    pub fn new(path: &'a [u8]) -> Self {
        Self(path)
    }

    /// As the ABI has it.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The parts.
    pub fn parts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split(|byte| *byte == 0)
    }

    /// Whether these are the parts.
    pub fn is(&self, parts: &[&str]) -> bool {
        self.parts().eq(parts.iter().map(|part| part.as_bytes()))
    }
}
