//! What a proxy offers.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use crate::status::Status;
use crate::types::{
    Body, CallId, Direction, HeaderMap, HttpCall, LocalResponse, LogLevel, MetricKind, PluginId, PropertyPath,
};

/// What a proxy offers beside a stream: one value for each [`Vm`](crate::Vm).
///
/// Every method is called while the plugin runs. None may call into a VM, block, or do what makes
/// the proxy do so: methods with an effect record it, and the proxy acts when the call into the
/// [`Vm`](crate::Vm) has returned. Arguments are bounded by [`Limits`](crate::Limits) already.
pub trait Host: 'static {
    /// What the proxy knows of one stream.
    type Stream: Stream;

    /// Writes a line of a plugin to the log: at most [`Limits::log_line`](crate::Limits::log_line)
    /// bytes, any of them. `stream` is the one that is worked on, if it is one.
    fn log(&mut self, stream: Option<&mut Self::Stream>, plugin: &str, level: LogLevel, message: &[u8]);

    /// Lines below are not worth sending.
    fn log_level(&mut self) -> LogLevel {
        LogLevel::Info
    }

    /// Since 1970-01-01T00:00:00Z. May be as of the beginning of the callback.
    fn current_time(&mut self) -> Duration;

    /// Since any moment; never goes back. Also what the back-off is measured with.
    fn monotonic_time(&mut self) -> Duration;

    /// From now on call [`Vm::on_tick`](crate::Vm::on_tick) with the plugin each `period`; none: no
    /// longer. Ticks of an instance that died go on: they bring it back when no stream comes.
    fn set_tick_period(&mut self, plugin: PluginId, period: Option<Duration>);

    /// Sends an HTTP request. When the response, or the failure, is there,
    /// [`Vm::on_http_call_response`](crate::Vm::on_http_call_response) is called with `id`, and not
    /// before this callback has returned.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for an unknown upstream, [`Status::InternalFailure`] when nothing can
    /// be sent. Nothing comes back then.
    fn dispatch_http_call(&mut self, id: CallId, call: &HttpCall<'_>) -> Result<(), Status>;

    /// Nobody waits for this call any longer: the instance is gone. A response is ignored, too.
    fn cancel_http_call(&mut self, id: CallId) {
        let _ = id;
    }

    /// Appends the shared value to `value` (which is empty) and gives its version, which is not 0.
    /// Shared data belongs to all VMs of the same vm id, and outlives an instance.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    fn shared_data(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<u32, Status>;

    /// Writes a shared value; with a version only if it is that one still. A key that is not there is
    /// made, whatever the version.
    ///
    /// # Errors
    /// [`Status::CasMismatch`]; [`Status::InternalFailure`] when there is no room.
    fn set_shared_data(
        &mut self,
        key: &[u8],
        value: &[u8],
        version: Option<NonZeroU32>,
    ) -> Result<(), Status>;

    /// Makes or opens the queue of that name in this vm id.
    ///
    /// # Errors
    /// Any; [`Status::Unimplemented`] in a proxy without queues.
    fn register_queue(&mut self, name: &[u8]) -> Result<u32, Status> {
        let _ = name;
        Err(Status::Unimplemented)
    }

    /// Finds a queue of another vm id.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::Unimplemented`] in a proxy without queues.
    fn resolve_queue(&mut self, vm_id: &[u8], name: &[u8]) -> Result<u32, Status> {
        let _ = (vm_id, name);
        Err(Status::Unimplemented)
    }

    /// Appends to a queue. Whoever registered it is told by
    /// [`Vm::on_queue_ready`](crate::Vm::on_queue_ready).
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::InternalFailure`] when there is no room.
    fn enqueue(&mut self, queue: u32, item: &[u8]) -> Result<(), Status> {
        let _ = (queue, item);
        Err(Status::NotFound)
    }

    /// Takes from a queue.
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::Empty`].
    fn dequeue(&mut self, queue: u32, item: &mut Vec<u8>) -> Result<(), Status> {
        let _ = (queue, item);
        Err(Status::NotFound)
    }

    /// Defines a metric, or finds the one of that name and kind.
    ///
    /// # Errors
    /// [`Status::InternalFailure`] when there is no room.
    fn define_metric(&mut self, kind: MetricKind, name: &[u8]) -> Result<u32, Status>;

    /// Sets a metric (gauge), or records a value (histogram).
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a counter.
    fn record_metric(&mut self, metric: u32, value: u64) -> Result<(), Status>;

    /// Adds to a metric.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a counter that should go down.
    fn increment_metric(&mut self, metric: u32, offset: i64) -> Result<(), Status>;

    /// The value of a counter or gauge.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a histogram.
    fn metric(&mut self, metric: u32) -> Result<u64, Status>;

    /// A property that no stream has: for calls outside a stream, and after
    /// [`Stream::property`] had none.
    fn property(&mut self, plugin: &str, path: PropertyPath<'_>) -> Option<Cow<'_, [u8]>> {
        let _ = (plugin, path);
        None
    }

    /// Calls a function that this proxy has beyond the ABI. `results` is empty. A proxy with
    /// signatures hands `verify_signature` to [`verify_signature`](crate::verify_signature).
    ///
    /// # Errors
    /// [`Status::NotFound`] for an unknown name, so that plugins can tell.
    fn call_foreign_function(
        &mut self,
        stream: Option<&mut Self::Stream>,
        name: &[u8],
        arguments: &[u8],
        results: &mut Vec<u8>,
    ) -> Result<(), Status> {
        let _ = (stream, name, arguments, results);
        Err(Status::NotFound)
    }
}

/// What a proxy knows of one stream: a request and its response.
///
/// What holds for the methods of [`Host`] holds for these. The library asks for headers and bodies
/// only while they may be read or written (as in Envoy: from their callback until it returned
/// [`Action::Continue`](crate::Action::Continue), or the plugin resumed; read only in the log
/// callback).
pub trait Stream: 'static {
    /// Calls `each` with every field in order: name and value, bytes as they came. Case of names does
    /// not matter: plugins get them in lower case. `:path` is the raw request target.
    ///
    /// # Errors
    /// [`Status::BadArgument`] when there is no such map (yet).
    fn headers(&mut self, map: HeaderMap, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Status>;

    /// Appends a field. The name is in lower case and a token or pseudo header, the value holds no
    /// control characters but tab.
    ///
    /// # Errors
    /// Any: the field is not there then.
    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Status>;

    /// Removes every field of that name but the first and sets its value, or appends the field.
    ///
    /// # Errors
    /// Any: the field is as it was then.
    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Status>;

    /// Removes every field of that name. None there is no error.
    ///
    /// # Errors
    /// Any: the fields are as they were then.
    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), Status>;

    /// How many bytes of the body are here now: all that were held and not sent on.
    ///
    /// # Errors
    /// [`Status::NotFound`] when there is no body.
    fn body_size(&mut self, body: Body) -> Result<usize, Status>;

    /// Copies from offset `start`, as many bytes as `into` has: not more than are there.
    ///
    /// # Errors
    /// Any: the plugin sees no part of the body then.
    fn read_body(&mut self, body: Body, start: usize, into: &mut [u8]) -> Result<(), Status>;

    /// Puts `with` in place of the range, which lies within the body.
    ///
    /// # Errors
    /// [`Status::Unimplemented`], or any: the body is as it was then.
    fn replace_body(&mut self, body: Body, range: Range<usize>, with: &[u8]) -> Result<(), Status>;

    /// A property of the request, its connection or its upstream, by Envoy's names. Numbers are eight
    /// bytes, little endian; booleans one.
    fn property(&mut self, path: PropertyPath<'_>) -> Option<Cow<'_, [u8]>>;

    /// Keeps a property with the request, for the log and for plugins after this one, which read it
    /// as `filter_state`, `wasm.<path>` (see [`FilterState`](crate::FilterState)).
    ///
    /// # Errors
    /// [`Status::InternalFailure`] when there is no room.
    fn set_property(&mut self, path: PropertyPath<'_>, value: &[u8]) -> Result<(), Status>;

    /// Answers the request instead of the upstream; nothing of the request goes on. Called once for a
    /// stream: what the plugin sends after that is dropped.
    ///
    /// # Errors
    /// Any: when the response's headers are out already.
    fn send_local_response(&mut self, response: &LocalResponse<'_>) -> Result<(), Status>;

    /// A direction that was paused goes on.
    ///
    /// # Errors
    /// Any.
    fn resume(&mut self, direction: Direction) -> Result<(), Status>;

    /// The stream is reset.
    ///
    /// # Errors
    /// Any.
    fn close(&mut self, direction: Direction) -> Result<(), Status>;
}
