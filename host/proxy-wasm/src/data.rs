//! What host calls work on: the state of one VM. It outlives the instance.

use std::collections::HashSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use wasmtime::{Memory, TypedFunc};

use crate::host::Host;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::pairs::PairsWriter;
use crate::types::{Body, Direction, HeaderMap, HttpCallResponse, PluginId};

pub(crate) struct Data<H: Host> {
    pub(crate) module: Arc<str>,
    pub(crate) host: H,
    pub(crate) limits: Limits,
    pub(crate) vm_id: String,
    pub(crate) vm_configuration: Vec<u8>,
    /// `NAME=value`
    pub(crate) environment: Vec<String>,
    pub(crate) plugins: Vec<Plugin>,
    /// By ids that are the VM's own: nobody outside chooses them.
    pub(crate) streams: FxHashMap<u32, StreamContext<H::Stream>>,
    /// The last one that was given away: contexts are never named again.
    pub(crate) last_context: u32,
    pub(crate) last_call: u32,
    /// Callouts under way.
    pub(crate) calls: FxHashMap<u32, PluginId>,
    /// Names of metrics and queues that were defined, with a letter in front.
    pub(crate) defined: HashSet<Vec<u8>>,
    pub(crate) running: Running,
    pub(crate) meter: Meter,
    /// None while there is no instance.
    pub(crate) guest: Option<GuestMemory>,
    pub(crate) pairs: PairsWriter,
    pub(crate) scratch: Vec<u8>,
}

/// How to reach into the instance.
#[derive(Clone)]
pub(crate) struct GuestMemory {
    pub(crate) memory: Memory,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
}

/// A plugin configuration: a root context.
pub(crate) struct Plugin {
    pub(crate) name: String,
    pub(crate) root_id: String,
    pub(crate) configuration: Vec<u8>,
    /// In the instance that runs; 0 before it was made.
    pub(crate) context: u32,
}

pub(crate) struct StreamContext<S> {
    pub(crate) plugin: PluginId,
    /// None when the proxy is done with it and the plugin is not.
    pub(crate) stream: Option<S>,
    /// Its instance is gone.
    pub(crate) lost: bool,
    /// A local response was sent.
    pub(crate) answered: bool,
    /// By direction.
    pub(crate) paused: [bool; 2],
    pub(crate) access: Access,
    pub(crate) headers_written: usize,
    pub(crate) body_written: usize,
}

/// What the plugin may see of a stream now.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) maps: [bool; 4],
    pub(crate) bodies: [bool; 2],
    /// In the log callback: all headers, nothing to be written.
    pub(crate) log: bool,
}

impl<S> StreamContext<S> {
    pub(crate) fn new(plugin: PluginId, stream: S) -> Self {
        Self {
            plugin,
            stream: Some(stream),
            lost: false,
            answered: false,
            paused: [false; 2],
            access: Access::default(),
            headers_written: 0,
            body_written: 0,
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.contains(&true) && !self.answered
    }

    /// The proxy goes on with what it held.
    pub(crate) fn close_access(&mut self, direction: Direction) {
        self.paused[direction as usize] = false;
        match direction {
            Direction::Request => {
                self.access.maps[HeaderMap::RequestHeaders as usize] = false;
                self.access.maps[HeaderMap::RequestTrailers as usize] = false;
                self.access.bodies[Body::Request as usize] = false;
            }
            Direction::Response => {
                self.access.maps[HeaderMap::ResponseHeaders as usize] = false;
                self.access.maps[HeaderMap::ResponseTrailers as usize] = false;
                self.access.bodies[Body::Response as usize] = false;
            }
        }
    }
}

/// What belongs to one call from the proxy.
#[derive(Default)]
pub(crate) struct Running {
    /// The context that the proxy called.
    pub(crate) active: u32,
    /// The context that the plugin chose; 0 for none.
    pub(crate) effective: u32,
    /// In `proxy_on_configure` of that plugin.
    pub(crate) configuring: Option<PluginId>,
    /// In `proxy_on_http_call_response`.
    pub(crate) response: Option<HttpCallResponse>,
    /// Contexts that said `proxy_done`.
    pub(crate) done: Vec<u32>,
    /// What was logged at level warn and above while a plugin starts.
    pub(crate) complaints: Option<String>,
    /// `proxy_exit` was called with it.
    pub(crate) exit: Option<u32>,
}

/// Whom a host call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Root(PluginId),
    Stream(u32),
    /// In `_initialize`.
    Nobody,
}

impl<H: Host> Data<H> {
    pub(crate) fn next_context(&mut self) -> u32 {
        loop {
            self.last_context = self.last_context.wrapping_add(1);
            let id = self.last_context;
            if id != 0 && self.target_of(id).is_none() {
                return id;
            }
        }
    }

    pub(crate) fn next_call(&mut self) -> u32 {
        loop {
            self.last_call = self.last_call.wrapping_add(1);
            if self.last_call != 0 && !self.calls.contains_key(&self.last_call) {
                return self.last_call;
            }
        }
    }

    pub(crate) fn target_of(&self, context: u32) -> Option<Target> {
        if context == 0 {
            return None;
        }
        if self.streams.get(&context).is_some_and(|stream| !stream.lost) {
            return Some(Target::Stream(context));
        }
        let root = self.plugins.iter().position(|plugin| plugin.context == context);
        root.map(|root| Target::Root(PluginId(root)))
    }

    /// The effective context while it exists, else the one that was called.
    pub(crate) fn target(&self) -> Target {
        let effective = self.target_of(self.running.effective);
        effective.or_else(|| self.target_of(self.running.active)).unwrap_or(Target::Nobody)
    }

    /// The plugin whose code runs.
    pub(crate) fn plugin(&self) -> Option<PluginId> {
        match self.target() {
            Target::Root(plugin) => Some(plugin),
            Target::Stream(context) => self.streams.get(&context).map(|stream| stream.plugin),
            Target::Nobody => None,
        }
    }

    /// The stream that a host call is for.
    pub(crate) fn stream(&mut self) -> Option<&mut StreamContext<H::Stream>> {
        match self.target() {
            Target::Stream(context) => self.streams.get_mut(&context),
            Target::Root(_) | Target::Nobody => None,
        }
    }
}
