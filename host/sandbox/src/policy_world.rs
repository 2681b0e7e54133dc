//! The world of policies: `policy-module` in `wit/policy.wit`.

mod border;

use std::sync::Arc;

use async_trait::async_trait;
use postern_kernel::module::ModuleFailure;
use postern_kernel::policy::{Context, Decision, Description, PolicyModule};
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::call::{CallState, Program};
use crate::engine::Sandbox;
use crate::function::Function;
use crate::limits::Limits;
use crate::load::{Linked, LoadError, describe_failed};
use crate::log::Level;
use crate::observe::Observer;
use bindings::exports::postern::idp::policy as wit;
use bindings::postern::idp::policy_log;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/policy.wit")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "policy-module",
        imports: { default: trappable },
        exports: { default: async },
    });
}

/// The request that a call is about: a policy asks the kernel for nothing.
pub(crate) struct Correlation(String);

/// What the imports of a policy's call see.
pub(crate) type PolicyState = CallState<Correlation>;

const INTERFACE: &str = "postern:idp/policy@0.1.0";
const IMPORTS: [&str; 1] = ["postern:idp/policy-log@0.1.0"];

pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<PolicyState>> {
    let mut linker = Linker::new(engine);
    bindings::PolicyModule::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// A policy in the sandbox. What it decides is bounded here; whether it may is the kernel's to say.
pub struct ComponentPolicy {
    program: Program<Correlation>,
    exports: Exports,
    description: Description,
    imports: Vec<String>,
    digest: String,
}

/// The functions of the interface.
struct Exports {
    describe: Function<(), (wit::Description,)>,
    decide: Function<(wit::Context,), (wit::Decision,)>,
}

impl Sandbox {
    /// Loads a policy. `label` is what errors call it until it has said its name: the file's name.
    ///
    /// # Errors
    /// [`LoadError`] when it is not a component of the policy world, imports anything else, or does not
    /// describe itself within its limits.
    pub async fn load_policy(
        &self,
        label: &str,
        component: Vec<u8>,
        limits: Limits,
    ) -> Result<ComponentPolicy, LoadError> {
        let label: Arc<str> = label.into();
        let linked = self.link(component, limits, &self.policies, &IMPORTS, None).await?;
        let Linked { instance, imports, digest, .. } = linked;
        let program = Program::new(Arc::clone(&label), instance, limits);
        let exports = exports(&program).await?;
        let described = program.call(&exports.describe, None, ()).await;
        let description = described
            .and_then(|(description,)| border::description(description))
            .map_err(describe_failed(&label))?;
        let program = program.renamed(&description.name);
        Ok(ComponentPolicy { program, exports, description, imports, digest })
    }
}

async fn exports(program: &Program<Correlation>) -> Result<Exports, LoadError> {
    let (mut store, instance) = program.sample().await?;
    let mut store = &mut store;
    Ok(Exports {
        describe: Function::find(&mut store, &instance, INTERFACE, "describe")?,
        decide: Function::find(&mut store, &instance, INTERFACE, "decide")?,
    })
}

impl ComponentPolicy {
    /// The names of its imports.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Tells the observer about each call from now on.
    pub fn observe(&mut self, observer: Observer) {
        self.program.observe(observer);
    }
}

#[async_trait]
impl PolicyModule for ComponentPolicy {
    fn description(&self) -> &Description {
        &self.description
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    async fn decide(&self, correlation: &str, context: Context) -> Result<Decision, ModuleFailure> {
        let services = Some(Arc::new(Correlation(correlation.into())));
        let returned = self.program.call(&self.exports.decide, services, (border::context(context),)).await;
        let decision = returned.and_then(|(decision,)| border::decision(decision));
        decision.map_err(|stop| stop.in_module(self.program.module()))
    }
}

impl policy_log::Host for PolicyState {
    fn log(&mut self, level: policy_log::Level, message: String) -> wasmtime::Result<()> {
        self.asked("policy-log.log", message.len());
        let services = self.services().ok().map(Arc::clone);
        let correlation = services.as_deref().map_or("", |correlation| correlation.0.as_str());
        let level = match level {
            policy_log::Level::Debug => Level::Debug,
            policy_log::Level::Info => Level::Info,
            policy_log::Level::Warn => Level::Warn,
        };
        CallState::log(self, correlation, level, &message);
        Ok(())
    }
}
