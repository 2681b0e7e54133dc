//! The DMZ filter `saml-decoder`, as far as it is not a proxy's business.
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use postern_endpoint::{RequestTarget, is_protected_url};
use postern_form::Continuation;
use postern_refusal::Refusal;
use postern_signature::Verifier;
use serde::{Deserialize, Serialize};

use crate::arrival::carries_message;
use crate::artifact_resolve::judge_artifact_resolve;
use crate::federated::{Federation, judge_response};
use crate::judge::{Scene, check_content_type, judge_reporting};
use crate::key::Fitting;
use crate::registration::MAX_ENTITY_ID;
use crate::report_only::{Reports, SWITCHABLE};
use crate::{
    ArtifactResolutionService, AssertionConsumer, EdgeRelyingParty, IdentityProvider, Incoming, Judged,
    JudgedArtifactResolve, JudgedResponse, Once, Policy, ReplayTable, Service, SharedMemory, SoapRequest,
};

/// Configuration of the DMZ filter `saml-decoder`: what the host writes and the filter reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfiguration {
    /// Paths whose requests are judged, letter by letter.
    #[serde(default = "default_paths")]
    pub paths: Vec<String>,
    /// Paths that pass without a look although they hold a judged path, such as
    /// `/realms/x/protocol/saml/descriptor`, or take SAML messages that are not the identity
    /// provider's, such as the logout of an application behind the same proxy.
    #[serde(default)]
    pub unjudged_paths: Vec<String>,
    /// Requests to judged paths, `paths` or those of WS-Federation, that carry no message but go on with a
    /// sign-on under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continuations: Vec<Continuation>,
    /// Reason codes that are logged and counted and refuse nothing, of [`SWITCHABLE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub report_only: Vec<String>,
    /// What the paths of other applications have to be.
    #[serde(default)]
    pub other_paths: OtherPaths,
    /// What requests are judged by.
    pub policy: Policy,
    /// Messages of each kind, signed and unsigned, that all workers together remember at once: 1
    /// to 65,536. See [`ReplayTable`].
    #[serde(default = "default_replay_slots")]
    pub replay_slots: u32,
    /// Registered relying parties.
    pub relying_parties: Vec<EdgeRelyingParty>,
    /// WS-Federation, when it is judged here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wsfed: Option<postern_wsfed::Configuration>,
    /// Where service providers resolve artifacts, when that is judged here. Who may is in
    /// `relying_parties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_resolution: Option<ArtifactResolutionService>,
    /// Where Responses of identity providers arrive, when they are judged here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_consumer: Option<AssertionConsumer>,
    /// Federated identity providers: who may send such Responses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_providers: Vec<IdentityProvider>,
}

/// What the paths of other applications have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherPaths {
    /// Canonical, as [`RequestTarget`] has it: no server can read them in two ways.
    #[default]
    Canonical,
    /// Anything that [`crate::addresses`] does not take for a judged path: for applications whose
    /// paths have matrix parameters (`;jsessionid=`) or encoded slashes. A server that reads paths
    /// in a way that nobody has thought of yet could then still be led to a judged one.
    AnyUnambiguous,
}

impl DecoderConfiguration {
    /// The configuration for a policy and its relying parties.
    pub fn new(policy: Policy, relying_parties: Vec<EdgeRelyingParty>) -> Self {
        Self {
            paths: default_paths(),
            unjudged_paths: Vec::new(),
            continuations: Vec::new(),
            report_only: Vec::new(),
            other_paths: OtherPaths::default(),
            policy,
            replay_slots: default_replay_slots(),
            relying_parties,
            wsfed: None,
            artifact_resolution: None,
            assertion_consumer: None,
            identity_providers: Vec::new(),
        }
    }

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// `saml.decoder.configuration`, which names the field.
    pub fn from_json(json: &[u8]) -> Result<Self, Refusal> {
        let configuration: Self = serde_json::from_slice(json)
            .map_err(|error| wrong("saml-decoder", "a valid configuration").found(&error.to_string()))?;
        configuration.check_sign_on()?;
        if let Some(wsfed) = &configuration.wsfed {
            let within = |field: &str| format!("wsfed.{field}");
            check_paths(&within("paths"), &wsfed.paths)?;
            wsfed.check().map_err(|refusal| {
                wrong(&within(&refusal.element), &refusal.expected).found(&refusal.found)
            })?;
        }
        configuration.check_artifact_resolution()?;
        configuration.check_federation()?;
        let judged: Vec<&str> = configuration.judged_paths().map(|(path, _)| path).collect();
        if judged.iter().collect::<BTreeSet<_>>().len() != judged.len() {
            return Err(wrong("paths", "paths that are judged once"));
        }
        let unjudged = &configuration.unjudged_paths;
        if !unjudged.iter().all(|path| is_plain(path) && !judged.contains(&path.as_str())) {
            return Err(wrong("unjudged_paths", "canonical paths that are not judged"));
        }
        configuration.check_continuations()?;
        if let Some(code) = configuration.report_only.iter().find(|code| !SWITCHABLE.contains(&code.as_str()))
        {
            let expected = format!("codes that may be switched: {}", SWITCHABLE.join(", "));
            return Err(wrong("report_only", &expected).found(code));
        }
        if !(1..=1 << 16).contains(&configuration.replay_slots) {
            return Err(wrong("replay_slots", "1 to 65536"));
        }
        if configuration.registry().len() != configuration.relying_parties.len() {
            return Err(wrong("relying_parties", "entity IDs that differ"));
        }
        Ok(configuration)
    }

    /// The single sign-on service: there may be none where something else is judged.
    fn check_sign_on(&self) -> Result<(), Refusal> {
        let judges_others =
            self.wsfed.is_some() || self.artifact_resolution.is_some() || self.assertion_consumer.is_some();
        if !(self.paths.is_empty() && judges_others) {
            check_paths("paths", &self.paths)?;
            if self.policy.destinations.is_empty() {
                return Err(wrong("policy.destinations", "one at least"));
            }
        }
        if !self.policy.companions.are_sound(has_saml_meaning) {
            return Err(wrong("policy.companions", "names without a meaning in SAML, and plain values"));
        }
        Ok(())
    }

    fn check_continuations(&self) -> Result<(), Refusal> {
        let wsfed: &[String] = self.wsfed.as_ref().map_or(&[], |wsfed| &wsfed.paths);
        for own in &self.continuations {
            let by_saml = self.paths.contains(&own.path) && own.is_sound(has_saml_meaning);
            let has_meaning = |name: &str| has_saml_meaning(name) || postern_wsfed::has_meaning(name);
            let by_wsfed = wsfed.contains(&own.path) && own.is_sound(has_meaning);
            // Without a query nothing would tell the form from a message by POST.
            if !(by_saml || by_wsfed) || own.parameters.is_empty() {
                let expected = "a path of `paths` or of wsfed, parameters, and names that carry no message";
                return Err(wrong("continuations", expected).found(&own.path));
            }
        }
        Ok(())
    }

    fn check_artifact_resolution(&self) -> Result<(), Refusal> {
        let Some(service) = &self.artifact_resolution else { return Ok(()) };
        let within = |field: &str| format!("artifact_resolution.{field}");
        check_paths(&within("paths"), &service.paths)?;
        if service.destinations.is_empty() {
            return Err(wrong(&within("destinations"), "one at least"));
        }
        check_entity_id(&within("entity_id"), &service.entity_id)
    }

    fn check_federation(&self) -> Result<(), Refusal> {
        let Some(consumer) = &self.assertion_consumer else {
            let is_idle = self.identity_providers.is_empty();
            return if is_idle {
                Ok(())
            } else {
                Err(wrong("assertion_consumer", "where Responses of identity providers arrive"))
            };
        };
        let within = |field: &str| format!("assertion_consumer.{field}");
        check_paths(&within("paths"), &consumer.paths)?;
        if consumer.urls.is_empty() || !consumer.urls.iter().all(|url| is_protected_url(url)) {
            let expected = "https URLs without a fragment, or http URLs of this machine, one at least";
            return Err(wrong(&within("urls"), expected));
        }
        check_entity_id(&within("entity_id"), &consumer.entity_id)?;
        for (number, provider) in self.identity_providers.iter().enumerate() {
            provider.check().map_err(|refusal| {
                let field = format!("identity_providers[{number}].{}", refusal.element);
                refusal.at(&field)
            })?;
        }
        let names: BTreeSet<&str> =
            self.identity_providers.iter().map(|provider| provider.entity_id.as_str()).collect();
        if names.len() != self.identity_providers.len() {
            return Err(wrong("identity_providers", "entity IDs that differ"));
        }
        Ok(())
    }

    /// Largest body that a judged path takes, in bytes.
    pub fn max_body(&self, service: Service) -> usize {
        match (service, &self.wsfed) {
            (Service::WsFederation, Some(wsfed)) => wsfed.policy.limits.max_body,
            _ => self.policy.limits.max_body,
        }
    }

    /// The relying parties by entity ID.
    pub fn registry(&self) -> BTreeMap<String, Rc<EdgeRelyingParty>> {
        self.relying_parties.iter().map(|party| (party.entity_id.clone(), Rc::new(party.clone()))).collect()
    }
}

/// A message at a judged path, as a proxy shows it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What the path is for.
    pub service: Service,
    /// Query or body.
    pub incoming: Incoming<'a>,
    /// SOAPAction, when it is there.
    pub soap_action: Option<&'a str>,
    /// SHA-256 of the client's certificate, hexadecimal in lower case, when the proxy has verified one.
    pub client_certificate: Option<&'a str>,
}

/// A message that may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Of SAML, at the single sign-on service.
    Saml(Judged),
    /// Of WS-Federation.
    WsFederation(postern_wsfed::Judged),
    /// An ArtifactResolve.
    ArtifactResolve(JudgedArtifactResolve),
    /// The Response of an identity provider.
    Response(JudgedResponse),
    /// A form that carries no message: at the assertion consumer service, or of the identity provider's
    /// own sign-on.
    OtherForm,
    /// Let through by a rule that only reports, and judged no further.
    Reported,
}

impl Decoded {
    /// The message's name, who sent it, and its ID: for a log. None: it is no message.
    pub fn names(&self) -> Option<(&'static str, &str, Option<&str>)> {
        match self {
            Self::Saml(judged) => Some(judged.names()),
            Self::WsFederation(judged) => {
                let (name, realm) = judged.names();
                Some((name, realm, None))
            }
            Self::ArtifactResolve(request) => {
                Some(("ArtifactResolve", &request.entity_id, Some(&request.id)))
            }
            Self::Response(response) => Some(("Response", &response.entity_id, Some(&response.id))),
            Self::OtherForm | Self::Reported => None,
        }
    }

    /// What of it may not come again.
    fn once(&self) -> Vec<Once> {
        match self {
            Self::Saml(judged) => judged.once().into_iter().collect(),
            Self::ArtifactResolve(request) => vec![request.once()],
            Self::Response(response) => response.once.clone(),
            // Messages of WS-Federation have no ID.
            Self::WsFederation(_) | Self::OtherForm | Self::Reported => Vec::new(),
        }
    }
}

/// The decoder: what a filter does with a message once it has all of it.
#[derive(Debug)]
pub struct Decoder {
    configuration: DecoderConfiguration,
    registry: BTreeMap<String, Rc<EdgeRelyingParty>>,
    realms: Vec<Rc<postern_wsfed::Realm>>,
    providers: BTreeMap<String, Rc<IdentityProvider>>,
    replays: ReplayTable,
}

impl Decoder {
    /// A decoder with this configuration, which [`DecoderConfiguration::from_json`] has checked.
    pub fn new(configuration: DecoderConfiguration) -> Self {
        let realms = configuration.wsfed.iter().flat_map(|wsfed| &wsfed.realms);
        let providers = configuration.identity_providers.iter();
        Self {
            registry: configuration.registry(),
            realms: realms.cloned().map(Rc::new).collect(),
            providers: providers
                .map(|provider| (provider.entity_id.clone(), Rc::new(provider.clone())))
                .collect(),
            replays: ReplayTable::new(configuration.replay_slots),
            configuration,
        }
    }

    /// Its configuration.
    pub fn configuration(&self) -> &DecoderConfiguration {
        &self.configuration
    }

    /// Judges a message as the LAN would, and remembers it in the memory that all workers share.
    /// `now` is in seconds since 1970, none when the proxy has no clock. Rules that only report are told
    /// to `report`; those behind them decide, as far as they can.
    ///
    /// # Errors
    /// `saml.clock.absent`, those of [`Decoder::decode`] and of [`ReplayTable::remember`].
    pub fn judge(
        &self,
        message: &Message<'_>,
        now: Option<u64>,
        verifier: &dyn Verifier,
        memory: &dyn SharedMemory,
        report: &mut dyn FnMut(&Refusal),
    ) -> Result<Decoded, Refusal> {
        let now = now.ok_or_else(|| {
            Refusal::internal("saml.clock.absent").with_status(503).expected("a proxy with a clock")
        })?;
        let reports = Reports::of(&self.configuration.report_only);
        let judged = self.judge_with(message, now, verifier, memory, &reports);
        reports.into_found().iter().for_each(report);
        judged
    }

    fn judge_with(
        &self,
        message: &Message<'_>,
        now: u64,
        verifier: &dyn Verifier,
        memory: &dyn SharedMemory,
        reports: &Reports<'_>,
    ) -> Result<Decoded, Refusal> {
        let decoded = self.decode_with(message, now, verifier, reports)?;
        for once in decoded.once() {
            reports.or_report(self.replays.remember(&once, now, memory), ())?;
        }
        Ok(decoded)
    }

    /// Whether the rule with this reason code only reports.
    pub fn only_reports(&self, code: &str) -> bool {
        self.configuration.report_only.iter().any(|switched| switched == code)
    }

    /// The same without a memory: whether it would pass the first time.
    ///
    /// # Errors
    /// Those of [`judge()`] and [`postern_wsfed::judge()`], `saml.soap.*`, `saml.artifact-resolve.*`,
    /// `saml.artifact.*`, `saml.response.*`, `saml.assertion.*`.
    pub fn decode(
        &self,
        message: &Message<'_>,
        now: u64,
        verifier: &dyn Verifier,
        report: &mut dyn FnMut(&Refusal),
    ) -> Result<Decoded, Refusal> {
        let reports = Reports::of(&self.configuration.report_only);
        let decoded = self.decode_with(message, now, verifier, &reports);
        reports.into_found().iter().for_each(report);
        decoded
    }

    fn decode_with(
        &self,
        message: &Message<'_>,
        now: u64,
        verifier: &dyn Verifier,
        reports: &Reports<'_>,
    ) -> Result<Decoded, Refusal> {
        let decoded = match message.service {
            Service::SingleSignOn => {
                let (policy, party) = (&self.configuration.policy, |id: &str| self.party(id));
                judge_reporting(message.incoming, &party, policy, now, verifier, reports).map(Decoded::Saml)
            }
            Service::WsFederation => self.ws_federation(message.incoming, now),
            Service::ArtifactResolution => self.artifact_resolve(message, now, verifier, reports),
            Service::AssertionConsumer => self.response(message.incoming, now, verifier),
            Service::Continuation(index) => self.continuation(index, message.incoming),
        };
        // What is behind a rule that cannot be passed over is not judged.
        reports.or_report(decoded, Decoded::Reported)
    }

    /// A form of the identity provider's own sign-on.
    fn continuation(&self, index: usize, incoming: Incoming<'_>) -> Result<Decoded, Refusal> {
        let own = self.configuration.continuations.get(index).ok_or_else(not_configured)?;
        let Incoming::Post { query, content_type, body } = incoming else { return Err(not_configured()) };
        check_content_type(content_type.unwrap_or_default())?;
        if !own.may_be_form(query) {
            return Err(not_configured());
        }
        let most = self.configuration.policy.limits.max_body;
        if body.len() > most {
            return Err(Refusal::misbehaved("saml.message.too-large")
                .at("body")
                .expected(&format!("{most} bytes at most"))
                .found(&body.len().to_string()));
        }
        own.judge_form(body).map(|()| Decoded::OtherForm)
    }

    fn party(&self, entity_id: &str) -> Result<Option<Rc<EdgeRelyingParty>>, Refusal> {
        Ok(self.registry.get(entity_id).map(Rc::clone))
    }

    fn ws_federation(&self, incoming: Incoming<'_>, now: u64) -> Result<Decoded, Refusal> {
        let wsfed = self.configuration.wsfed.as_ref().ok_or_else(not_configured)?;
        let incoming = match incoming {
            Incoming::Get(query) => postern_wsfed::Incoming::Get(query),
            Incoming::Post { query, content_type, body } => {
                postern_wsfed::Incoming::Post { query, content_type, body }
            }
        };
        postern_wsfed::judge(incoming, self.realms.as_slice(), &wsfed.policy, now).map(Decoded::WsFederation)
    }

    fn artifact_resolve(
        &self,
        message: &Message<'_>,
        now: u64,
        verifier: &dyn Verifier,
        reports: &Reports<'_>,
    ) -> Result<Decoded, Refusal> {
        let service = self.configuration.artifact_resolution.as_ref().ok_or_else(not_configured)?;
        let Incoming::Post { query, content_type, body } = message.incoming else {
            return Err(not_configured());
        };
        let Message { soap_action: action, client_certificate, .. } = *message;
        let request = SoapRequest { query, content_type, action, client_certificate, body };
        let scene = Scene {
            lookup: &|id: &str| self.party(id),
            policy: &self.configuration.policy,
            destinations: &service.destinations,
            now,
            verifier: &Fitting(verifier),
            reports,
        };
        judge_artifact_resolve(&request, service, &scene).map(Decoded::ArtifactResolve)
    }

    fn response(
        &self,
        incoming: Incoming<'_>,
        now: u64,
        verifier: &dyn Verifier,
    ) -> Result<Decoded, Refusal> {
        let consumer = self.configuration.assertion_consumer.as_ref().ok_or_else(not_configured)?;
        let Incoming::Post { query, content_type, body } = incoming else { return Err(not_configured()) };
        let content_type = content_type.unwrap_or_default();
        check_content_type(content_type)?;
        if consumer.serves_other_forms && !carries_message(body) {
            return Ok(Decoded::OtherForm);
        }
        let federation = Federation {
            consumer,
            lookup: &|id: &str| self.providers.get(id).map(Rc::clone),
            policy: &self.configuration.policy,
            now,
            verifier: &Fitting(verifier),
        };
        judge_response(query, body, &federation).map(Decoded::Response)
    }
}

/// Names, in lower case, of parameters that a reader of SAML messages knows.
fn has_saml_meaning(name: &str) -> bool {
    name.starts_with("saml") || ["relaystate", "sigalg", "signature", "spentityid"].contains(&name)
}

/// A caller has shown a message as another than [`DecoderConfiguration::arrival`] has it.
fn not_configured() -> Refusal {
    Refusal::internal("saml.decoder.configuration").expected("a service that is configured")
}

fn wrong(field: &str, expected: &str) -> Refusal {
    Refusal::configuration("saml.decoder.configuration").at(field).expected(expected)
}

fn check_paths(field: &str, paths: &[String]) -> Result<(), Refusal> {
    if paths.is_empty() || !paths.iter().all(|path| is_plain(path)) {
        return Err(wrong(field, "canonical paths without query and not `/`, one at least"));
    }
    Ok(())
}

fn check_entity_id(field: &str, entity_id: &str) -> Result<(), Refusal> {
    let printable = !entity_id.chars().any(|c| c.is_control() || c.is_whitespace());
    if !(1..=MAX_ENTITY_ID).contains(&entity_id.chars().count()) || !printable {
        return Err(wrong(field, "1 to 1,024 printable characters"));
    }
    Ok(())
}

/// Whether it is a path that can be compared letter by letter.
fn is_plain(path: &str) -> bool {
    let canonical = RequestTarget::parse(path.as_bytes()).is_ok_and(|target| target.query().is_none());
    canonical && path != "/"
}

fn default_paths() -> Vec<String> {
    vec!["/samlsso".to_owned()]
}

fn default_replay_slots() -> u32 {
    16_384
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
