//! Runs small guests in a proxy in memory.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "not every test program uses every part")]

use std::time::Duration;

use postern_proxy_wasm::memory::{Exchange, MemoryHost, MemoryStream};
use postern_proxy_wasm::{
    CallError, Death, Engine, Limits, LogLevel, Module, ModuleError, PluginId, PluginOptions, StreamId, Vm,
    VmOptions,
};

use super::guest::Guest;

/// A guest in its VM.
pub struct Run {
    pub engine: Engine,
    pub vm: Vm<MemoryHost>,
    pub plugin: PluginId,
}

pub fn load(guest: &Guest) -> Result<(Engine, Module), ModuleError> {
    let engine = Engine::new()?;
    let compiled = engine.compile("guest", &guest.module())?;
    let module = engine.load(&compiled)?;
    Ok((engine, module))
}

/// Starts the guest with the configuration `configured`.
pub fn run(guest: &Guest) -> Run {
    run_with(guest, Limits::default())
}

pub fn run_with(guest: &Guest, limits: Limits) -> Run {
    run_on(guest, limits, MemoryHost::default())
}

pub fn run_on(guest: &Guest, limits: Limits, host: MemoryHost) -> Run {
    let (engine, module) = load(guest).expect("a module");
    let options =
        VmOptions { id: "the-vm".into(), configuration: b"vm".to_vec(), limits, ..VmOptions::default() };
    let mut vm = Vm::new(&engine, &module, host, options).expect("a VM");
    let plugin = vm.start_plugin(plugin_options()).expect("a plugin");
    Run { engine, vm, plugin }
}

pub fn plugin_options() -> PluginOptions {
    PluginOptions { name: "plugin".into(), root_id: "root".into(), configuration: b"configured".to_vec() }
}

/// A request for `/`.
pub fn request() -> MemoryStream {
    Exchange::request(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "sso.example.com"),
        (":path", "/"),
        ("x-one", "1"),
        ("x-two", "a"),
        ("x-two", "b"),
    ])
    .into()
}

impl Run {
    /// What was said since the last time, a line each.
    pub fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.vm.host_mut().log).into_iter().map(|line| line.message).collect()
    }

    /// The same with levels.
    pub fn logged(&mut self) -> Vec<(LogLevel, String)> {
        let lines = std::mem::take(&mut self.vm.host_mut().log);
        lines.into_iter().map(|line| (line.level, line.message)).collect()
    }

    pub fn begin(&mut self, stream: &MemoryStream) -> StreamId {
        self.vm.create_stream(self.plugin, stream.clone()).expect("a stream")
    }

    /// Headers of a request without a body; what was said.
    pub fn headers(&mut self, stream: &MemoryStream) -> Vec<String> {
        self.said();
        let id = self.begin(stream);
        let _ = self.vm.on_request_headers(id, 7, true).expect("a verdict");
        let said = self.said();
        self.vm.end_stream(id).expect("an end");
        said
    }

    pub fn wait(&mut self, time: Duration) {
        self.vm.host_mut().now += time;
    }
}

/// The death of the call.
pub fn death<T: std::fmt::Debug>(result: Result<T, CallError>) -> Death {
    match result {
        Err(CallError::Died(death)) => *death,
        other => panic!("no death but {other:?}"),
    }
}
