//! A VM: an instance of a module in one worker, with its plugins and streams.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use wasmtime::InstancePre;

use crate::abi;
use crate::callbacks::Callbacks;
use crate::data::{Data, Plugin, Running, StreamContext};
use crate::engine::{Engine, Module};
use crate::failure::{CallError, Cause, Death, ModuleError};
use crate::host::Host;
use crate::instance::{Ended, Instance};
use crate::limits::Limits;
use crate::meter::Meter;
use crate::pairs::PairsWriter;
use crate::types::{Action, Body, CallId, Direction, HeaderMap, HttpCallResponse, PluginId, StreamId};

/// What a VM is told at its start.
#[derive(Clone, Debug, Default)]
pub struct VmOptions {
    /// The property `plugin_vm_id`; shared data is by convention common to VMs of one id.
    pub id: String,
    /// For `proxy_on_vm_start`.
    pub configuration: Vec<u8>,
    /// Environment variables that the guest sees; mostly none.
    pub environment: Vec<(String, String)>,
    /// What it may use up.
    pub limits: Limits,
}

/// A configuration for a plugin of the module.
#[derive(Clone, Debug, Default)]
pub struct PluginOptions {
    /// For messages and the property `plugin_name`.
    pub name: String,
    /// The property `plugin_root_id`: which of a module's plugins it is. Mostly empty.
    pub root_id: String,
    /// For `proxy_on_configure`.
    pub configuration: Vec<u8>,
}

/// An instance of a module in one worker, with any number of plugins (configurations) and streams.
///
/// It is for one thread, and starts none. Every call that fails for a stream means that the stream
/// must be failed (fail closed). After a death ([`CallError::Died`]) the instance is gone; the first
/// call after the back-off builds another one and configures all plugins again, and streams of the
/// old one answer [`CallError::Lost`]. Shared data, metrics and queues are the [`Host`]'s, and survive.
pub struct Vm<H: Host> {
    module: Arc<str>,
    engine: wasmtime::Engine,
    pre: InstancePre<Data<H>>,
    state: State<H>,
    pause: Option<Duration>,
}

enum State<H: Host> {
    Running(Box<Instance<H>>),
    Down(Box<Down<H>>),
    /// Between two others; only a panic of the proxy's code leaves it here.
    Changing,
}

struct Down<H: Host> {
    data: Data<H>,
    /// Since when and for how long, in the host's monotonic time; none before the first instance.
    until: Option<Duration>,
    reason: String,
}

/// What became of starting a plugin.
enum Started {
    Accepted,
    Refused { callback: &'static str, reason: String },
}

impl<H: Host> Vm<H> {
    /// Prepares a VM. No code of the guest runs before [`Vm::start_plugin`].
    ///
    /// # Errors
    /// [`ModuleError`] when the module's imports are not of the types that the ABI says.
    pub fn new(engine: &Engine, module: &Module, host: H, options: VmOptions) -> Result<Self, ModuleError> {
        let failed = |error: wasmtime::Error| ModuleError::Compile {
            module: module.name().to_owned(),
            reason: format!("{error:#}"),
        };
        let linker = abi::linker::<H>(engine.inner()).map_err(failed)?;
        let pre = linker.instantiate_pre(&module.inner).map_err(failed)?;
        let environment = options.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let data = Data {
            module: module.name.clone(),
            host,
            meter: Meter::new(options.limits.memory, options.limits.table_elements),
            limits: options.limits,
            vm_id: options.id,
            vm_configuration: options.configuration,
            environment,
            plugins: Vec::new(),
            streams: FxHashMap::default(),
            last_context: 0,
            last_call: 0,
            calls: FxHashMap::default(),
            defined: HashSet::new(),
            running: Running::default(),
            guest: None,
            pairs: PairsWriter::default(),
            scratch: Vec::new(),
        };
        let down = Down { data, until: None, reason: String::new() };
        Ok(Self {
            module: module.name.clone(),
            engine: engine.inner().clone(),
            pre,
            state: State::Down(Box::new(down)),
            pause: None,
        })
    }

    /// Starts a plugin with its configuration: a root context. Also says whether a configuration is
    /// good, in a VM that is made for that and dropped.
    ///
    /// # Errors
    /// [`CallError::Refused`] when the plugin does not take the configuration; others when the
    /// instance died or is down. The plugin is not there then.
    pub fn start_plugin(&mut self, options: PluginOptions) -> Result<PluginId, CallError> {
        self.ensure()?;
        let data = self.data_mut()?;
        let id = PluginId(data.plugins.len());
        let PluginOptions { name, root_id, configuration } = options;
        data.plugins.push(Plugin { name: name.clone(), root_id, configuration, context: 0 });
        let started = self.start(id);
        if !matches!(started, Ok(Started::Accepted)) {
            self.data_mut()?.plugins.truncate(id.0);
        }
        match started? {
            Started::Accepted => Ok(id),
            Started::Refused { callback, reason } => {
                Err(CallError::Refused { module: self.module_name(), plugin: name, callback, reason })
            }
        }
    }

    /// A new stream for the plugin.
    ///
    /// # Errors
    /// [`CallError`]; the stream is dropped then.
    pub fn create_stream(&mut self, plugin: PluginId, stream: H::Stream) -> Result<StreamId, CallError> {
        self.ensure()?;
        let root = self.root_of(plugin)?;
        let data = self.data_mut()?;
        if data.streams.len() >= data.limits.streams {
            return Err(CallError::TooManyStreams { module: data.module.to_string() });
        }
        let id = data.next_context();
        data.streams.insert(id, StreamContext::new(plugin, stream));
        let created = self.call("proxy_on_context_create", id, |callbacks, store| {
            callbacks.context_create.as_ref().map_or(Ok(()), |create| create.call(store, (id, root)))
        });
        match created {
            Ok(()) => Ok(StreamId(id)),
            Err(error) => {
                self.data_mut()?.streams.remove(&id);
                Err(error)
            }
        }
    }

    /// Headers of the request are here: `count` fields, pseudo headers included.
    ///
    /// # Errors
    /// [`CallError`]: fail the stream.
    pub fn on_request_headers(
        &mut self,
        stream: StreamId,
        count: usize,
        end_of_stream: bool,
    ) -> Result<Action, CallError> {
        self.on_headers(Direction::Request, stream, count, end_of_stream)
    }

    /// A part of the request's body is here: `size` bytes in all that were held and not sent on.
    ///
    /// # Errors
    /// [`CallError`]: fail the stream.
    pub fn on_request_body(
        &mut self,
        stream: StreamId,
        size: usize,
        end_of_stream: bool,
    ) -> Result<Action, CallError> {
        self.on_body(Direction::Request, stream, size, end_of_stream)
    }

    /// Trailers of the request are here.
    ///
    /// # Errors
    /// [`CallError`]: fail the stream.
    pub fn on_request_trailers(&mut self, stream: StreamId, count: usize) -> Result<Action, CallError> {
        self.on_trailers(Direction::Request, stream, count)
    }

    /// Headers of the response are here; also of one that a plugin sent itself.
    ///
    /// # Errors
    /// [`CallError`]: fail the stream.
    pub fn on_response_headers(
        &mut self,
        stream: StreamId,
        count: usize,
        end_of_stream: bool,
    ) -> Result<Action, CallError> {
        self.on_headers(Direction::Response, stream, count, end_of_stream)
    }

    /// A part of the response's body is here: `size` bytes in all that were held and not sent on.
    ///
    /// # Errors
    /// [`CallError`]: fail the stream.
    pub fn on_response_body(
        &mut self,
        stream: StreamId,
        size: usize,
        end_of_stream: bool,
    ) -> Result<Action, CallError> {
        self.on_body(Direction::Response, stream, size, end_of_stream)
    }

    /// Trailers of the response are here.
    ///
    /// # Errors
    /// [`CallError`]: fail the stream.
    pub fn on_response_trailers(&mut self, stream: StreamId, count: usize) -> Result<Action, CallError> {
        self.on_trailers(Direction::Response, stream, count)
    }

    /// The request is over, whatever way: done, log and delete callbacks, in which headers can be
    /// read. The stream's value is dropped before this returns. An id that is not known any longer
    /// is no error: the proxy may call this for every stream that it ever made.
    ///
    /// # Errors
    /// [`CallError::Died`] when the instance died of it; the stream is ended all the same.
    pub fn end_stream(&mut self, stream: StreamId) -> Result<(), CallError> {
        let id = stream.0;
        let data = self.data_mut()?;
        match data.streams.get_mut(&id) {
            Some(context) if !context.lost => context.access.log = true,
            _ => {
                data.streams.remove(&id);
                return Ok(());
            }
        }
        let done = self.call("proxy_on_done", id, |callbacks, store| {
            callbacks.done.as_ref().map_or(Ok(1), |done| done.call(store, id))
        });
        let ended = match done {
            Ok(0) => Ok(()),
            Ok(_) => self.finish(id),
            Err(error) => Err(error),
        };
        // What the plugin still does with the context it does without the stream.
        if let Some(context) = self.data_mut()?.streams.get_mut(&id) {
            context.stream = None;
        }
        if ended.is_err() {
            self.data_mut()?.streams.remove(&id);
        }
        ended
    }

    /// The tick period of the plugin is over.
    ///
    /// # Errors
    /// [`CallError`]: for the log.
    pub fn on_tick(&mut self, plugin: PluginId) -> Result<(), CallError> {
        self.ensure()?;
        let root = self.root_of(plugin)?;
        self.call("proxy_on_tick", root, |callbacks, store| {
            callbacks.tick.as_ref().map_or(Ok(()), |tick| tick.call(store, root))
        })
    }

    /// An item is in a queue that the plugin registered.
    ///
    /// # Errors
    /// [`CallError`]: for the log.
    pub fn on_queue_ready(&mut self, plugin: PluginId, queue: u32) -> Result<(), CallError> {
        self.ensure()?;
        let root = self.root_of(plugin)?;
        self.call("proxy_on_queue_ready", root, |callbacks, store| {
            callbacks.queue_ready.as_ref().map_or(Ok(()), |ready| ready.call(store, (root, queue)))
        })
    }

    /// The response to a callout. One over [`Limits::call_response`] counts as failed; one that
    /// nobody waits for is ignored.
    ///
    /// # Errors
    /// [`CallError`]: for the log. Streams that waited for it are in
    /// [`Death::paused`](crate::Death::paused).
    pub fn on_http_call_response(
        &mut self,
        call: CallId,
        response: HttpCallResponse,
    ) -> Result<(), CallError> {
        let data = self.data_mut()?;
        let Some(plugin) = data.calls.remove(&call.0) else { return Ok(()) };
        let size = |pairs: &[(Vec<u8>, Vec<u8>)]| {
            pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        };
        let whole = response.body.len() + size(&response.headers) + size(&response.trailers);
        let response = if whole > data.limits.call_response { HttpCallResponse::failed() } else { response };
        let counts =
            (count(response.headers.len()), count(response.body.len()), count(response.trailers.len()));
        let root = self.root_of(plugin)?;
        let running = Running { active: root, response: Some(response), ..Running::default() };
        self.call_as("proxy_on_http_call_response", running, |callbacks, store| {
            let arguments = (root, call.0, counts.0, counts.1, counts.2);
            callbacks.http_call_response.as_ref().map_or(Ok(()), |callback| callback.call(store, arguments))
        })
    }

    /// What the proxy knows of the stream; none when it is ended.
    pub fn stream_mut(&mut self, stream: StreamId) -> Option<&mut H::Stream> {
        self.data_mut().ok()?.streams.get_mut(&stream.0)?.stream.as_mut()
    }

    /// The proxy's side.
    ///
    /// # Panics
    /// When the proxy's code panicked while an instance was built: the host is gone with it.
    pub fn host_mut(&mut self) -> &mut H {
        match self.data_mut() {
            Ok(data) => &mut data.host,
            Err(_) => panic!("the host was lost in a panic of the proxy"),
        }
    }

    /// Whether an instance runs.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    fn on_headers(
        &mut self,
        direction: Direction,
        stream: StreamId,
        fields: usize,
        end_of_stream: bool,
    ) -> Result<Action, CallError> {
        let (callback, map) = match direction {
            Direction::Request => ("proxy_on_request_headers", HeaderMap::RequestHeaders),
            Direction::Response => ("proxy_on_response_headers", HeaderMap::ResponseHeaders),
        };
        let arguments = (stream.0, count(fields), u32::from(end_of_stream));
        self.open(stream)?.access.maps[map as usize] = true;
        let action = self.judge(callback, direction, stream, |callbacks, store| {
            callbacks.headers[direction as usize].as_ref().map_or(Ok(0), |on| on.call(store, arguments))
        })?;
        self.open(stream)?.access.maps[map as usize] &= action == Action::Pause;
        Ok(action)
    }

    fn on_body(
        &mut self,
        direction: Direction,
        stream: StreamId,
        size: usize,
        end_of_stream: bool,
    ) -> Result<Action, CallError> {
        let (callback, body) = match direction {
            Direction::Request => ("proxy_on_request_body", Body::Request),
            Direction::Response => ("proxy_on_response_body", Body::Response),
        };
        let arguments = (stream.0, count(size), u32::from(end_of_stream));
        self.open(stream)?.access.bodies[body as usize] = true;
        let action = self.judge(callback, direction, stream, |callbacks, store| {
            callbacks.body[direction as usize].as_ref().map_or(Ok(0), |on| on.call(store, arguments))
        })?;
        self.open(stream)?.access.bodies[body as usize] &= action == Action::Pause;
        Ok(action)
    }

    fn on_trailers(
        &mut self,
        direction: Direction,
        stream: StreamId,
        fields: usize,
    ) -> Result<Action, CallError> {
        let (callback, map) = match direction {
            Direction::Request => ("proxy_on_request_trailers", HeaderMap::RequestTrailers),
            Direction::Response => ("proxy_on_response_trailers", HeaderMap::ResponseTrailers),
        };
        let arguments = (stream.0, count(fields));
        self.open(stream)?.access.maps[map as usize] = true;
        let action = self.judge(callback, direction, stream, |callbacks, store| {
            callbacks.trailers[direction as usize].as_ref().map_or(Ok(0), |on| on.call(store, arguments))
        })?;
        self.open(stream)?.access.maps[map as usize] &= action == Action::Pause;
        Ok(action)
    }

    /// Calls for a verdict. A request that was answered already is not judged again.
    fn judge(
        &mut self,
        callback: &'static str,
        direction: Direction,
        stream: StreamId,
        invoke: impl FnOnce(&Callbacks, &mut wasmtime::Store<Data<H>>) -> wasmtime::Result<u32>,
    ) -> Result<Action, CallError> {
        let answered = self.open(stream)?.answered;
        if answered && direction == Direction::Request {
            return Ok(Action::Pause);
        }
        let verdict = self.call(callback, stream.0, invoke)?;
        let context = self.open(stream)?;
        let action = match verdict {
            _ if context.answered && !answered => Action::Pause,
            0 => Action::Continue,
            _ => Action::Pause,
        };
        context.paused[direction as usize] = action == Action::Pause;
        Ok(action)
    }

    /// Log and delete: the plugin is done with the context.
    fn finish(&mut self, id: u32) -> Result<(), CallError> {
        self.call("proxy_on_log", id, |callbacks, store| {
            callbacks.log.as_ref().map_or(Ok(()), |log| log.call(store, id))
        })?;
        self.call("proxy_on_delete", id, |callbacks, store| {
            callbacks.delete.as_ref().map_or(Ok(()), |delete| delete.call(store, id))
        })?;
        self.data_mut()?.streams.remove(&id);
        Ok(())
    }

    /// The stream, if its instance runs.
    fn open(&mut self, stream: StreamId) -> Result<&mut StreamContext<H::Stream>, CallError> {
        let data = self.data_mut()?;
        match data.streams.get_mut(&stream.0) {
            Some(context) if context.lost => Err(CallError::Lost { module: data.module.to_string() }),
            Some(context) if context.stream.is_some() => Ok(context),
            _ => Err(CallError::Unknown { module: data.module.to_string() }),
        }
    }

    fn root_of(&mut self, plugin: PluginId) -> Result<u32, CallError> {
        let root = self.data_mut()?.plugins.get(plugin.0).map(|plugin| plugin.context);
        root.ok_or_else(|| CallError::Unknown { module: self.module_name() })
    }

    fn call<R>(
        &mut self,
        callback: &'static str,
        context: u32,
        invoke: impl FnOnce(&Callbacks, &mut wasmtime::Store<Data<H>>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        self.call_as(callback, Running { active: context, ..Running::default() }, invoke)
    }

    fn call_as<R>(
        &mut self,
        callback: &'static str,
        running: Running,
        invoke: impl FnOnce(&Callbacks, &mut wasmtime::Store<Data<H>>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        let context = running.active;
        let instance = match &mut self.state {
            State::Running(instance) if !instance.entered => instance,
            State::Running(_) => return Err(self.died(context, Ended::host(callback))),
            State::Down(_) | State::Changing => return Err(self.down()),
        };
        let epochs = instance.store.data().limits.call_epochs;
        match instance.call(callback, running, epochs, invoke) {
            Ok(result) => {
                let done = std::mem::take(&mut instance.store.data_mut().running.done);
                for context in done {
                    self.finish(context)?;
                }
                Ok(result)
            }
            Err(ended) => Err(self.died(context, ended)),
        }
    }

    /// Has an instance, or says why not.
    fn ensure(&mut self) -> Result<(), CallError> {
        match &mut self.state {
            State::Running(_) => return Ok(()),
            State::Changing => return Err(self.down()),
            State::Down(down) => {
                let now = down.data.host.monotonic_time();
                if down.until.is_some_and(|until| now < until) {
                    return Err(self.down());
                }
            }
        }
        let State::Down(down) = std::mem::replace(&mut self.state, State::Changing) else {
            return Err(self.down());
        };
        match Instance::build(&self.engine, &self.pre, down.data) {
            Ok(instance) => self.state = State::Running(Box::new(instance)),
            Err(failed) => {
                let (data, ended) = *failed;
                let born = down.until.unwrap_or_default();
                return Err(self.buried(data, born, 0, ended));
            }
        }
        for plugin in 0..self.data_mut()?.plugins.len() {
            if let Started::Refused { callback, reason } = self.start(PluginId(plugin))? {
                let cause = Cause::Refused(reason);
                return Err(self.died(0, Ended { callback, cause, detail: String::new() }));
            }
        }
        Ok(())
    }

    /// Makes the root context of a plugin in the instance that runs, and configures it.
    fn start(&mut self, id: PluginId) -> Result<Started, CallError> {
        let data = self.data_mut()?;
        let root = data.next_context();
        let vm_size = count(data.vm_configuration.len());
        let Some(plugin) = data.plugins.get_mut(id.0) else {
            return Err(CallError::Unknown { module: self.module_name() });
        };
        plugin.context = root;
        let size = count(plugin.configuration.len());
        let State::Running(instance) = &mut self.state else { return Err(self.down()) };
        let started = start_root(instance, id, root, vm_size, size);
        started.map_err(|ended| self.died(root, ended))
    }

    fn died(&mut self, context: u32, ended: Ended) -> CallError {
        match std::mem::replace(&mut self.state, State::Changing) {
            State::Running(instance) => {
                let born = instance.born;
                self.buried(instance.into_data(), born, context, ended)
            }
            other => {
                self.state = other;
                self.down()
            }
        }
    }

    /// Puts the VM down, and says what that means for its streams.
    fn buried(&mut self, mut data: Data<H>, born: Duration, context: u32, ended: Ended) -> CallError {
        let paused = data.streams.iter().filter(|(id, stream)| {
            **id != context && stream.is_paused() && !stream.lost && stream.stream.is_some()
        });
        let mut paused: Vec<_> = paused.map(|(id, _)| StreamId(*id)).collect();
        paused.sort_unstable();
        // Those without a value are the instance's alone.
        data.streams.retain(|_, stream| stream.stream.is_some());
        for stream in data.streams.values_mut() {
            stream.lost = true;
        }
        for plugin in &mut data.plugins {
            plugin.context = 0;
        }
        for (call, _) in std::mem::take(&mut data.calls) {
            data.host.cancel_http_call(CallId(call));
        }
        let now = data.host.monotonic_time();
        let pause = data.limits.back_off.next(self.pause, now.saturating_sub(born));
        self.pause = Some(pause);
        let Ended { callback, cause, detail } = ended;
        let death = Death { module: data.module.to_string(), callback, cause, detail, paused };
        let reason = format!("{} in {callback}", death.cause);
        self.state = State::Down(Box::new(Down { data, until: Some(now + pause), reason }));
        CallError::Died(Box::new(death))
    }

    fn down(&mut self) -> CallError {
        let module = self.module_name();
        match &mut self.state {
            State::Down(down) => {
                let now = down.data.host.monotonic_time();
                let remaining = down.until.unwrap_or_default().saturating_sub(now);
                CallError::Down { module, reason: down.reason.clone(), remaining }
            }
            State::Running(_) | State::Changing => {
                let reason = "the host panicked while an instance was built".to_owned();
                CallError::Down { module, reason, remaining: Duration::MAX }
            }
        }
    }

    fn module_name(&self) -> String {
        self.module.to_string()
    }

    fn data_mut(&mut self) -> Result<&mut Data<H>, CallError> {
        match &mut self.state {
            State::Running(instance) => Ok(instance.store.data_mut()),
            State::Down(down) => Ok(&mut down.data),
            State::Changing => Err(CallError::Down {
                module: self.module.to_string(),
                reason: "the host panicked while an instance was built".to_owned(),
                remaining: Duration::MAX,
            }),
        }
    }
}

fn start_root<H: Host>(
    instance: &mut Instance<H>,
    id: PluginId,
    root: u32,
    vm_size: u32,
    size: u32,
) -> Result<Started, Ended> {
    let epochs = instance.store.data().limits.start_epochs;
    let running = || Running { active: root, complaints: Some(String::new()), ..Running::default() };
    instance.call("proxy_on_context_create", running(), epochs, |callbacks, store| {
        callbacks.context_create.as_ref().map_or(Ok(()), |create| create.call(store, (root, 0)))
    })?;
    let accepted = instance.call("proxy_on_vm_start", running(), epochs, |callbacks, store| {
        callbacks.vm_start.as_ref().map_or(Ok(1), |start| start.call(store, (root, vm_size)))
    })?;
    if accepted == 0 {
        return Ok(refused(instance, "proxy_on_vm_start"));
    }
    let configuring = Running { configuring: Some(id), ..running() };
    let accepted = instance.call("proxy_on_configure", configuring, epochs, |callbacks, store| {
        callbacks.configure.as_ref().map_or(Ok(1), |configure| configure.call(store, (root, size)))
    })?;
    if accepted == 0 {
        return Ok(refused(instance, "proxy_on_configure"));
    }
    Ok(Started::Accepted)
}

fn refused<H: Host>(instance: &mut Instance<H>, callback: &'static str) -> Started {
    let reason = instance.store.data_mut().running.complaints.take().unwrap_or_default();
    Started::Refused { callback, reason }
}

impl Ended {
    fn host(callback: &'static str) -> Self {
        Self { callback, cause: Cause::Host, detail: String::new() }
    }
}

/// Sizes of more than 32 bits do not fit a guest's memory; the reading call says so.
fn count(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
