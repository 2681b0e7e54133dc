//! Protocol modules, behind a trait: the Rust side of `wit/protocol.wit`. The sandbox implements
//! it with components, one fresh instance for each call.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::directory::Claim;
use crate::keys::SigningAlgorithm;
use crate::services::ModuleServices;

/// What a module says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `saml2`, `oidc`.
    pub name: String,
    /// What people call the protocol.
    pub title: String,
    /// What it serves.
    pub endpoints: Vec<Endpoint>,
    /// Keys that it signs with.
    pub signing: Vec<SigningAlgorithm>,
    /// Members of a registration's settings that the DMZ needs.
    pub edge_fields: Vec<String>,
}

/// One public path. See `endpoint` in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct Endpoint {
    pub path: String,
    pub methods: Vec<Method>,
    pub content_types: Vec<String>,
    pub max_body: u32,
    pub max_query: u32,
    pub query_parameters: Vec<String>,
    pub ignores_other_parameters: bool,
    pub audience: Audience,
}

/// Request methods that modules serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
}

/// Who calls an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A refusal is a page.
    Browser,
    /// A refusal is JSON.
    Machine,
}

/// A request to a declared endpoint.
#[derive(Clone)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub content_type: Option<String>,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    /// Query, header and body carry secrets: only the path is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:?} {})", self.method, self.path)
    }
}

/// What a module answers.
#[derive(Clone)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub enum Response {
    Document(Document),
    Redirect(String),
    FormPost(FormPost),
    Refused(Refusal),
    SignedOut,
}

/// Headers that a module may set on a document, in lower case.
pub const DOCUMENT_HEADERS: [&str; 4] =
    ["access-control-allow-origin", "cache-control", "pragma", "www-authenticate"];

/// A document of the protocol's own.
#[derive(Clone)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct Document {
    pub status: u16,
    pub content_type: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub refusal: Option<Refusal>,
}

/// A page that posts fields to a relying party.
#[derive(Clone)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct FormPost {
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub refusal: Option<Refusal>,
}

/// Why a message was refused. See `refusal` in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/types.wit")]
pub struct Refusal {
    pub code: String,
    pub fault: Fault,
    pub element: String,
    pub expected: String,
    pub found: String,
    pub status: u16,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Fault {
    PeerMisbehaved,
    PeerIncompatible,
    Configuration,
    Internal,
}

impl Fault {
    /// As the log writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PeerMisbehaved => "peer-misbehaved",
            Self::PeerIncompatible => "peer-incompatible",
            Self::Configuration => "configuration",
            Self::Internal => "internal",
        }
    }
}

/// What a request leads to.
#[derive(Clone)]
#[allow(missing_docs)]
pub enum Outcome {
    Respond(Response),
    Authenticate(Demand),
    EndSession(Logout),
}

/// What a protocol asks of the kernel: somebody, signed in like this.
/// See `demand` in `wit/protocol.wit`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "documented in wit/protocol.wit")]
pub struct Demand {
    pub relying_party: String,
    pub force: bool,
    pub passive: bool,
    pub select_account: bool,
    pub max_age: Option<u64>,
    pub contexts: Vec<String>,
    pub login_hint: Option<String>,
    pub consent: Vec<String>,
    pub consent_anew: bool,
    #[serde(with = "crate::opaque")]
    pub state: Vec<u8>,
}

/// Somebody who is signed in, as one relying party may know them.
/// See `authentication` in `wit/protocol.wit`.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/protocol.wit")]
pub struct Authentication {
    pub subject: String,
    pub session_index: String,
    pub session: String,
    pub authenticated_at: u64,
    pub expires_at: u64,
    pub context: String,
    pub methods: Vec<String>,
    pub claims: Vec<Claim>,
}

/// Why nobody is signed in as demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/protocol.wit")]
pub enum Failure {
    LoginRequired,
    InteractionRequired,
    ConsentRequired,
    ContextUnavailable,
    Denied,
}

/// What a module resumes with.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SignOn {
    Authenticated(Authentication),
    Failed(Failure),
}

/// A request to end a session. See `logout` in `wit/protocol.wit`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "documented in wit/protocol.wit")]
pub struct Logout {
    pub session_index: Option<String>,
    pub subject: Option<String>,
    pub relying_party: Option<String>,
    #[serde(with = "crate::opaque")]
    pub state: Vec<u8>,
}

/// A registration as the module read it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/protocol.wit")]
pub struct Registration {
    pub identifier: String,
    pub name: Option<String>,
    pub settings: String,
    pub needs_secret: bool,
}

/// A call of a module that ended without an answer: one failed request, and nothing else.
#[derive(Debug)]
pub struct ModuleFailure {
    /// The module's name.
    pub module: String,
    /// Which limit or rule it met.
    pub reason: FailureReason,
    /// For the log.
    pub detail: String,
}

/// Why a call of a module ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// It trapped: unreachable, out of bounds, stack overflow.
    Trap,
    /// It ran longer than it may.
    Deadline,
    /// It asked for more memory than it may have.
    Memory,
    /// It returned more than it may, or something that it may not.
    Output,
    /// An import could not be served.
    Unavailable,
}

impl FailureReason {
    /// As the log and the metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for ModuleFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "module {} failed ({}): {}", self.module, self.reason.as_str(), self.detail)
    }
}

impl std::error::Error for ModuleFailure {}

/// A protocol.
#[async_trait]
pub trait ProtocolModule: Send + Sync {
    /// What it said of itself when it was loaded.
    fn description(&self) -> &Description;
    /// A request to one of its endpoints.
    async fn handle(&self, services: Arc<ModuleServices>, request: Request)
    -> Result<Outcome, ModuleFailure>;
    /// Goes on after [`Outcome::Authenticate`].
    async fn resume(
        &self,
        services: Arc<ModuleServices>,
        state: Vec<u8>,
        result: SignOn,
    ) -> Result<Response, ModuleFailure>;
    /// Goes on after [`Outcome::EndSession`].
    async fn logged_out(
        &self,
        services: Arc<ModuleServices>,
        state: Vec<u8>,
        ended: bool,
    ) -> Result<Response, ModuleFailure>;
    /// Reads a registration.
    async fn register(
        &self,
        services: Arc<ModuleServices>,
        source: Vec<u8>,
    ) -> Result<Result<Registration, Refusal>, ModuleFailure>;
}
