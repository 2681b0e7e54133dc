//! What goes wrong with a plugin.

use std::time::Duration;

use crate::types::StreamId;

/// Why a module can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// The engine does not start on this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// Not a WebAssembly core module, or one that this engine does not compile.
    #[error("{module}: does not compile: {reason}")]
    Compile {
        /// The module's name.
        module: String,
        /// In the compiler's words.
        reason: String,
    },
    /// A module of another ABI.
    #[error("{module}: exports no proxy_abi_version_0_2_1 (nor 0_2_0): built for another ABI?")]
    AbiVersion {
        /// The module's name.
        module: String,
    },
    /// A function that no proxy-wasm host has.
    #[error("{module}: imports {}, which this host does not have", .imports.join(", "))]
    Imports {
        /// The module's name.
        module: String,
        /// `module.name` of each.
        imports: Vec<String>,
    },
    /// An export that is missing, or has another type than the ABI says.
    #[error("{module}: the export {export} is missing or has another type than the ABI says")]
    Export {
        /// The module's name.
        module: String,
        /// Its name.
        export: &'static str,
    },
    /// Compiled by another version, with other settings, or for another machine.
    #[error("{module}: the compiled module does not fit: {reason}")]
    Deserialize {
        /// The module's name.
        module: String,
        /// In the engine's words.
        reason: String,
    },
}

/// Why a call into a VM came to nothing. The stream that it was for must be failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// This call ended the instance.
    #[error("{0}")]
    Died(Box<Death>),
    /// An instance died before, and it is too early to build another one.
    #[error("{module}: down for another {} ms: {reason}", .remaining.as_millis())]
    Down {
        /// The module's name.
        module: String,
        /// Of its last death.
        reason: String,
        /// Until the next call that tries again.
        remaining: Duration,
    },
    /// The stream belonged to an instance that died.
    #[error("{module}: the instance that knew the stream died")]
    Lost {
        /// The module's name.
        module: String,
    },
    /// The plugin refused its configuration, or to start.
    #[error("{module}: {plugin}: refused by {callback}: {reason}")]
    Refused {
        /// The module's name.
        module: String,
        /// The plugin's name.
        plugin: String,
        /// `proxy_on_vm_start` or `proxy_on_configure`.
        callback: &'static str,
        /// What the plugin logged at level warn and above meanwhile.
        reason: String,
    },
    /// [`Limits::streams`](crate::Limits::streams) are open.
    #[error("{module}: too many streams")]
    TooManyStreams {
        /// The module's name.
        module: String,
    },
    /// An id that is not (any longer) one of this VM.
    #[error("{module}: no such stream or plugin")]
    Unknown {
        /// The module's name.
        module: String,
    },
}

/// The end of an instance.
#[derive(Debug, thiserror::Error)]
#[error("{module}: {cause} in {callback}{detail}")]
pub struct Death {
    /// The module's name.
    pub module: String,
    /// The callback in which it happened.
    pub callback: &'static str,
    /// What it died of.
    pub cause: Cause,
    /// The guest's backtrace, on further lines; may be empty.
    pub detail: String,
    /// Streams that the instance held paused: nothing resumes them any longer. The proxy fails each
    /// and ends it with [`Vm::end_stream`](crate::Vm::end_stream). Without the stream that the
    /// failed call was for.
    pub paused: Vec<StreamId>,
}

/// What an instance dies of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// It did what WebAssembly forbids, or gave up (a panic).
    #[error("trap: {0}")]
    Trap(String),
    /// It took longer than [`Limits::call_epochs`](crate::Limits::call_epochs).
    #[error("took too long")]
    Time,
    /// It trapped after [`Limits::memory`](crate::Limits::memory) was refused to it.
    #[error("out of memory: {0}")]
    Memory(String),
    /// It called `proc_exit`.
    #[error("exited with code {0}")]
    Exit(u32),
    /// A rebuilt instance refused to start or a configuration that was accepted before.
    #[error("refused {0}")]
    Refused(String),
    /// The proxy's own code panicked within a call: the instance can't be trusted any longer.
    #[error("the host panicked")]
    Host,
}
