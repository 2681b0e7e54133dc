//! The world of authenticators: `authenticator-module` in `wit/authenticator.wit`.

mod border;
mod kernel;

use std::sync::Arc;

use async_trait::async_trait;
use postern_kernel::authenticator::{AuthenticatorModule, Context, Description, Form, Step};
use postern_kernel::module::ModuleFailure;
use postern_kernel::services::AuthenticatorServices;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::call::{CallState, Program};
use crate::engine::Sandbox;
use crate::function::Function;
use crate::limits::Limits;
use crate::load::{LoadError, describe_failed};
use crate::stop::Stop;
use bindings::exports::postern::idp::authenticator as wit;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "authenticator-module",
        imports: {
            "postern:idp/accounts.check-password": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// What the imports of an authenticator's call see.
pub(crate) type AuthenticatorState = CallState<AuthenticatorServices>;

const INTERFACE: &str = "postern:idp/authenticator@0.0.1";
const IMPORTS: [&str; 2] = ["postern:idp/accounts@0.0.1", "postern:idp/system@0.0.1"];

pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<AuthenticatorState>> {
    let mut linker = Linker::new(engine);
    bindings::AuthenticatorModule::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// An authenticator in the sandbox.
///
/// Whom it returns as authenticated is what it claims: the kernel accepts the subject only when
/// [`AuthenticatorServices::has_proven`] says so.
pub struct ComponentAuthenticator {
    program: Program<AuthenticatorServices>,
    exports: Exports,
    description: Description,
}

/// The functions of the interface.
struct Exports {
    describe: Function<(), (wit::Description,)>,
    begin: Function<(wit::Context,), (wit::Step,)>,
    proceed: Function<(wit::Context, Vec<u8>, Vec<wit::FormField>), (wit::Step,)>,
}

impl Sandbox {
    /// Loads an authenticator. `label` is what errors call it until it has said its name: the
    /// file's name.
    ///
    /// # Errors
    /// [`LoadError`] when it is not a component of the authenticator world, imports anything else,
    /// or does not describe itself within its limits.
    pub async fn load_authenticator(
        &self,
        label: &str,
        component: Vec<u8>,
        limits: Limits,
    ) -> Result<ComponentAuthenticator, LoadError> {
        let label: Arc<str> = label.into();
        let instance = self.link(component, limits, &self.authenticators, &IMPORTS).await?;
        let program = Program::new(Arc::clone(&label), instance, limits);
        let exports = exports(&program).await?;
        let described = program.call(&exports.describe, None, ()).await;
        let description = described
            .and_then(|(description,)| border::description(description))
            .map_err(describe_failed(&label))?;
        let program = program.renamed(&description.name);
        Ok(ComponentAuthenticator { program, exports, description })
    }
}

async fn exports(program: &Program<AuthenticatorServices>) -> Result<Exports, LoadError> {
    let (mut store, instance) = program.sample().await?;
    let mut store = &mut store;
    Ok(Exports {
        describe: Function::find(&mut store, &instance, INTERFACE, "describe")?,
        begin: Function::find(&mut store, &instance, INTERFACE, "begin")?,
        proceed: Function::find(&mut store, &instance, INTERFACE, "proceed")?,
    })
}

impl ComponentAuthenticator {
    fn failed(&self) -> impl Fn(Stop) -> ModuleFailure + '_ {
        |stop| stop.in_module(self.program.module())
    }
}

#[async_trait]
impl AuthenticatorModule for ComponentAuthenticator {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure> {
        let parameters = (border::context(context),);
        let returned = self.program.call(&self.exports.begin, Some(services), parameters).await;
        returned.and_then(|(step,)| border::step(step)).map_err(self.failed())
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        form: Form,
    ) -> Result<Step, ModuleFailure> {
        let parameters = (border::context(context), state, border::form(form));
        let returned = self.program.call(&self.exports.proceed, Some(services), parameters).await;
        returned.and_then(|(step,)| border::step(step)).map_err(self.failed())
    }
}
