//! A proxy for the unit tests.

use std::borrow::Cow;
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::data::{Data, Running};
use crate::host::{Host, Stream};
use crate::limits::Limits;
use crate::meter::Meter;
use crate::pairs::PairsWriter;
use crate::status::Status;
use crate::types::{
    Body, CallId, Direction, HeaderMap, HttpCall, LocalResponse, LogLevel, MetricKind, PluginId, PropertyPath,
};

/// Offers nothing.
pub(crate) struct TestHost;

/// Is nothing.
pub(crate) struct TestStream;

/// Of a VM without an instance.
pub(crate) fn data() -> Data<TestHost> {
    Data {
        module: "test".into(),
        host: TestHost,
        limits: Limits::default(),
        vm_id: String::new(),
        vm_configuration: Vec::new(),
        environment: Vec::new(),
        plugins: Vec::new(),
        streams: FxHashMap::default(),
        last_context: 0,
        last_call: 0,
        calls: FxHashMap::default(),
        defined: HashSet::new(),
        running: Running::default(),
        meter: Meter::new(0, 0),
        guest: None,
        pairs: PairsWriter::default(),
        scratch: Vec::new(),
    }
}

impl Host for TestHost {
    type Stream = TestStream;

    fn log(&mut self, _: Option<&mut TestStream>, _: &str, _: LogLevel, _: &[u8]) {}

    fn current_time(&mut self) -> Duration {
        Duration::ZERO
    }

    fn monotonic_time(&mut self) -> Duration {
        Duration::ZERO
    }

    fn set_tick_period(&mut self, _: PluginId, _: Option<Duration>) {}

    fn dispatch_http_call(&mut self, _: CallId, _: &HttpCall<'_>) -> Result<(), Status> {
        Err(Status::BadArgument)
    }

    fn shared_data(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<u32, Status> {
        Err(Status::NotFound)
    }

    fn set_shared_data(&mut self, _: &[u8], _: &[u8], _: Option<NonZeroU32>) -> Result<(), Status> {
        Err(Status::InternalFailure)
    }

    fn define_metric(&mut self, _: MetricKind, _: &[u8]) -> Result<u32, Status> {
        Err(Status::InternalFailure)
    }

    fn record_metric(&mut self, _: u32, _: u64) -> Result<(), Status> {
        Err(Status::NotFound)
    }

    fn increment_metric(&mut self, _: u32, _: i64) -> Result<(), Status> {
        Err(Status::NotFound)
    }

    fn metric(&mut self, _: u32) -> Result<u64, Status> {
        Err(Status::NotFound)
    }
}

impl Stream for TestStream {
    fn headers(&mut self, _: HeaderMap, _: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Status> {
        Err(Status::BadArgument)
    }

    fn add_header(&mut self, _: HeaderMap, _: &[u8], _: &[u8]) -> Result<(), Status> {
        Err(Status::BadArgument)
    }

    fn replace_header(&mut self, _: HeaderMap, _: &[u8], _: &[u8]) -> Result<(), Status> {
        Err(Status::BadArgument)
    }

    fn remove_header(&mut self, _: HeaderMap, _: &[u8]) -> Result<(), Status> {
        Err(Status::BadArgument)
    }

    fn body_size(&mut self, _: Body) -> Result<usize, Status> {
        Err(Status::NotFound)
    }

    fn read_body(&mut self, _: Body, _: usize, _: &mut [u8]) -> Result<(), Status> {
        Err(Status::NotFound)
    }

    fn replace_body(&mut self, _: Body, _: Range<usize>, _: &[u8]) -> Result<(), Status> {
        Err(Status::Unimplemented)
    }

    fn property(&mut self, _: PropertyPath<'_>) -> Option<Cow<'_, [u8]>> {
        None
    }

    fn set_property(&mut self, _: PropertyPath<'_>, _: &[u8]) -> Result<(), Status> {
        Err(Status::InternalFailure)
    }

    fn send_local_response(&mut self, _: &LocalResponse<'_>) -> Result<(), Status> {
        Ok(())
    }

    fn resume(&mut self, _: Direction) -> Result<(), Status> {
        Ok(())
    }

    fn close(&mut self, _: Direction) -> Result<(), Status> {
        Ok(())
    }
}
