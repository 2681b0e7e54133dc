//! The world of protocols: `protocol-module` in `wit/protocol.wit`.

pub(crate) mod border;
mod describe;
mod kernel;

use std::sync::Arc;

use async_trait::async_trait;
use postern_kernel::module::{
    Description, ModuleFailure, Outcome, ProtocolModule, Refusal, Registration, Request, Response, SignOn,
};
use postern_kernel::services::ModuleServices;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::call::{CallState, Program};
use crate::engine::Sandbox;
use crate::function::Function;
use crate::limits::Limits;
use crate::load::{LoadError, describe_failed};
use crate::stop::Stop;
use bindings::exports::postern::idp::protocol as wit;
use bindings::postern::idp::types;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/protocol.wit")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "protocol-module",
        imports: {
            "postern:idp/kernel.find-relying-party": async | trappable,
            "postern:idp/kernel.relying-party-by-id": async | trappable,
            "postern:idp/kernel.check-secret": async | trappable,
            "postern:idp/kernel.claims": async | trappable,
            "postern:idp/kernel.remember": async | trappable,
            "postern:idp/kernel.put": async | trappable,
            "postern:idp/kernel.take": async | trappable,
            "postern:idp/kernel.create-grant": async | trappable,
            "postern:idp/kernel.find-grant": async | trappable,
            "postern:idp/kernel.renew": async | trappable,
            "postern:idp/kernel.revoke-grant": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// What the imports of a protocol's call see.
pub(crate) type ProtocolState = CallState<ModuleServices>;

const INTERFACE: &str = "postern:idp/protocol@0.1.0";
const IMPORTS: [&str; 2] = ["postern:idp/kernel@0.1.0", "postern:idp/types@0.1.0"];

pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<ProtocolState>> {
    let mut linker = Linker::new(engine);
    bindings::ProtocolModule::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// A protocol in the sandbox.
pub struct ComponentProtocol {
    pub(crate) program: Program<ModuleServices>,
    pub(crate) exports: Exports,
    description: Description,
}

/// The functions of the interface.
pub(crate) struct Exports {
    pub(crate) describe: Function<(), (wit::Description,)>,
    pub(crate) handle: Function<(types::Request,), (wit::Outcome,)>,
    resume: Function<(Vec<u8>, wit::SignOn), (types::Response,)>,
    logged_out: Function<(Vec<u8>, bool), (types::Response,)>,
    register: Function<(Vec<u8>,), (Result<wit::Registration, types::Refusal>,)>,
}

impl Sandbox {
    /// Loads a protocol. `label` is what errors call it until it has said its name: the file's name.
    ///
    /// # Errors
    /// [`LoadError`] when it is not a component of the protocol world, imports anything else, or
    /// does not describe itself within its limits.
    pub async fn load_protocol(
        &self,
        label: &str,
        component: Vec<u8>,
        limits: Limits,
    ) -> Result<ComponentProtocol, LoadError> {
        let label: Arc<str> = label.into();
        let linked = self.link(component, limits, &self.protocols, &IMPORTS, None).await?;
        let program = Program::new(Arc::clone(&label), linked.instance, limits);
        let exports = exports(&program).await?;
        let described = program.call(&exports.describe, None, ()).await;
        let description = described
            .and_then(|(description,)| describe::description(description))
            .map_err(describe_failed(&label))?;
        let program = program.renamed(&description.name);
        Ok(ComponentProtocol { program, exports, description })
    }
}

async fn exports(program: &Program<ModuleServices>) -> Result<Exports, LoadError> {
    let (mut store, instance) = program.sample().await?;
    let mut store = &mut store;
    Ok(Exports {
        describe: Function::find(&mut store, &instance, INTERFACE, "describe")?,
        handle: Function::find(&mut store, &instance, INTERFACE, "handle")?,
        resume: Function::find(&mut store, &instance, INTERFACE, "resume")?,
        logged_out: Function::find(&mut store, &instance, INTERFACE, "logged-out")?,
        register: Function::find(&mut store, &instance, INTERFACE, "register")?,
    })
}

impl ComponentProtocol {
    fn failed(&self) -> impl Fn(Stop) -> ModuleFailure + '_ {
        |stop| stop.in_module(self.program.module())
    }
}

#[async_trait]
impl ProtocolModule for ComponentProtocol {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn handle(
        &self,
        services: Arc<ModuleServices>,
        request: Request,
    ) -> Result<Outcome, ModuleFailure> {
        let parameters = (border::request(request),);
        let returned = self.program.call(&self.exports.handle, Some(services), parameters).await;
        returned.and_then(|(outcome,)| border::outcome(outcome)).map_err(self.failed())
    }

    async fn resume(
        &self,
        services: Arc<ModuleServices>,
        state: Vec<u8>,
        result: SignOn,
    ) -> Result<Response, ModuleFailure> {
        let parameters = (state, border::sign_on(result));
        let returned = self.program.call(&self.exports.resume, Some(services), parameters).await;
        returned.and_then(|(response,)| border::response(response)).map_err(self.failed())
    }

    async fn logged_out(
        &self,
        services: Arc<ModuleServices>,
        state: Vec<u8>,
        ended: bool,
    ) -> Result<Response, ModuleFailure> {
        let returned = self.program.call(&self.exports.logged_out, Some(services), (state, ended)).await;
        returned.and_then(|(response,)| border::response(response)).map_err(self.failed())
    }

    async fn register(
        &self,
        services: Arc<ModuleServices>,
        source: Vec<u8>,
    ) -> Result<Result<Registration, Refusal>, ModuleFailure> {
        let returned = self.program.call(&self.exports.register, Some(services), (source,)).await;
        returned.and_then(|(result,)| border::registration(result)).map_err(self.failed())
    }
}
