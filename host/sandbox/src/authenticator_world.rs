//! The world of authenticators: `authenticator-module` in `wit/authenticator.wit`.

mod border;
mod challenge;
mod claim_set;
mod credential_index;
mod demands;
mod directory;
mod kerberos;
mod kernel;
mod messages;
mod outbound;
mod own_keys;
mod redirections;
mod signatures;
mod web_authn;

use std::sync::Arc;

use async_trait::async_trait;
use postern_kernel::authenticator::{
    AuthenticatorModule, Context, Description, Event, Step, Text, Translation,
};
use postern_kernel::capability::Capability;
use postern_kernel::module::ModuleFailure;
use postern_kernel::services::AuthenticatorServices;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::call::{CallState, Program};
use crate::engine::Sandbox;
use crate::function::Function;
use crate::limits::Limits;
use crate::load::{Linked, LoadError, describe_failed};
use crate::observe::Observer;
use crate::stop::Stop;
use bindings::exports::postern::idp::authenticator as wit;
use border::Asked;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "authenticator-module",
        imports: {
            "postern:idp/accounts.check-password": async | trappable,
            "postern:idp/credentials": async | trappable,
            "postern:idp/credential-index": async | trappable,
            "postern:idp/directory": async | trappable,
            "postern:idp/messages": async | trappable,
            "postern:idp/outbound": async | trappable,
            "postern:idp/kerberos": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

/// What the imports of an authenticator's call see.
pub(crate) type AuthenticatorState = CallState<AuthenticatorServices>;

const INTERFACE: &str = "postern:idp/authenticator@0.1.0";
const IMPORTS: [&str; 12] = [
    "postern:idp/accounts@0.1.0",
    "postern:idp/credentials@0.1.0",
    "postern:idp/credential-index@0.1.0",
    "postern:idp/directory@0.1.0",
    "postern:idp/signatures@0.1.0",
    "postern:idp/messages@0.1.0",
    "postern:idp/own-keys@0.1.0",
    "postern:idp/kerberos@0.1.0",
    "postern:idp/outbound@0.1.0",
    "postern:idp/demands@0.1.0",
    "postern:idp/redirections@0.1.0",
    "postern:idp/system@0.1.0",
];

pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<AuthenticatorState>> {
    let mut linker = Linker::new(engine);
    bindings::AuthenticatorModule::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Key of the title that the operator gives: in every language the same.
const TITLE: &str = "postern.instance-title";

/// An authenticator in the sandbox.
///
/// Whom it returns as authenticated is what it claims: the kernel accepts the subject only when
/// [`AuthenticatorServices::may_name`] says so.
pub struct ComponentAuthenticator {
    program: Program<AuthenticatorServices>,
    exports: Exports,
    description: Description,
    capabilities: Vec<Capability>,
    imports: Vec<String>,
    digest: String,
    /// The operator's own.
    title: Option<String>,
    /// Bytes of memory that an instance begins with.
    initial_memory: usize,
}

/// The functions of the interface.
struct Exports {
    describe: Function<(), (wit::Description,)>,
    begin: Function<(wit::Context,), (wit::Step,)>,
    proceed: Function<(wit::Context, Vec<u8>, wit::Event), (wit::Step,)>,
}

impl Sandbox {
    /// Loads an authenticator with everything granted: to look at it, and in tests.
    ///
    /// # Errors
    /// As [`Sandbox::load_granted`].
    pub async fn load_authenticator(
        &self,
        label: &str,
        component: Vec<u8>,
        limits: Limits,
    ) -> Result<ComponentAuthenticator, LoadError> {
        self.load_granted(label, component, limits, &Capability::ALL).await
    }

    /// Loads an authenticator. `label` is what errors call it until it has said its name: the
    /// file's name.
    ///
    /// # Errors
    /// [`LoadError`] when it is not a component of the authenticator world, imports anything else or what
    /// is not granted, or does not describe itself within its limits.
    pub async fn load_granted(
        &self,
        label: &str,
        component: Vec<u8>,
        limits: Limits,
        granted: &[Capability],
    ) -> Result<ComponentAuthenticator, LoadError> {
        let label: Arc<str> = label.into();
        let linked = self.link(component, limits, &self.authenticators, &IMPORTS, Some(granted)).await?;
        let Linked { instance, capabilities, imports, digest } = linked;
        let program = Program::new(Arc::clone(&label), instance, limits);
        let (exports, initial_memory) = exports(&program).await?;
        let described = program.call(&exports.describe, None, ()).await;
        let description = described
            .and_then(|(description,)| border::description(description))
            .map_err(describe_failed(&label))?;
        let program = program.renamed(&description.name);
        Ok(ComponentAuthenticator {
            program,
            exports,
            description,
            capabilities,
            imports,
            digest,
            title: None,
            initial_memory,
        })
    }
}

/// The exports, and how much memory an instance begins with.
async fn exports(program: &Program<AuthenticatorServices>) -> Result<(Exports, usize), LoadError> {
    let (mut store, instance) = program.sample().await?;
    let memory = store.data().memory();
    let mut store = &mut store;
    let exports = Exports {
        describe: Function::find(&mut store, &instance, INTERFACE, "describe")?,
        begin: Function::find(&mut store, &instance, INTERFACE, "begin")?,
        proceed: Function::find(&mut store, &instance, INTERFACE, "proceed")?,
    };
    Ok((exports, memory))
}

impl ComponentAuthenticator {
    /// The same under another name: one of several that run this file, each with records, limits and grants of
    /// its own. `title` is what people read instead of the component's own title.
    #[must_use]
    pub fn named(self, name: &str, title: Option<&str>) -> Self {
        let program = self.program.renamed(name);
        let mut description = Description { name: name.into(), ..self.description };
        if let Some(title) = title {
            let own = Translation { language: "en".into(), key: TITLE.into(), text: title.into() };
            let others = description.translations.iter().filter(|known| known.key != TITLE).cloned();
            description.translations = others.chain([own]).collect();
            description.title = Text::of(TITLE);
        }
        Self { program, description, title: title.map(Into::into), ..self }
    }

    /// What its imports ask for.
    pub fn capabilities(&self) -> &[Capability] {
        &self.capabilities
    }

    /// The names of its imports.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Bytes of memory that each call begins with.
    pub fn initial_memory(&self) -> usize {
        self.initial_memory
    }

    /// Tells the observer about each call from now on: what it asked the kernel, and what it used.
    pub fn observe(&mut self, observer: Observer) {
        self.program.observe(observer);
    }

    fn failed(&self) -> impl Fn(Stop) -> ModuleFailure + '_ {
        |stop| stop.in_module(self.program.module())
    }
}

#[async_trait]
impl AuthenticatorModule for ComponentAuthenticator {
    fn description(&self) -> &Description {
        &self.description
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn has_own_keys(&self) -> bool {
        self.capabilities.contains(&Capability::OwnKeys)
    }

    fn heeds_demands(&self) -> bool {
        self.imports.iter().any(|import| import.starts_with("postern:idp/demands@"))
    }

    fn takes_tickets(&self) -> bool {
        self.capabilities.contains(&Capability::Kerberos)
    }

    fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    async fn begin(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
    ) -> Result<Step, ModuleFailure> {
        let asked = Asked { base_url: context.base_url.clone(), services: Arc::clone(&services) };
        let parameters = (border::context(context),);
        let returned = self.program.call(&self.exports.begin, Some(services), parameters).await;
        returned.and_then(|(step,)| border::step(step, &asked)).map_err(self.failed())
    }

    async fn proceed(
        &self,
        services: Arc<AuthenticatorServices>,
        context: Context,
        state: Vec<u8>,
        event: Event,
    ) -> Result<Step, ModuleFailure> {
        let asked = Asked { base_url: context.base_url.clone(), services: Arc::clone(&services) };
        let parameters = (border::context(context), state, border::event(event));
        let returned = self.program.call(&self.exports.proceed, Some(services), parameters).await;
        returned.and_then(|(step,)| border::step(step, &asked)).map_err(self.failed())
    }
}
