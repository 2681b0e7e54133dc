//! The DMZ filter `saml-decoder`, as far as it is not a proxy's business.
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use postern_endpoint::RequestTarget;
use postern_form::Continuation;
use postern_refusal::Refusal;
use postern_signature::Verifier;
use serde::{Deserialize, Serialize};

use crate::arrival::{apart, carries_message};
use crate::artifact_resolve::judge_artifact_resolve;
use crate::federated::{Federation, Tokens, check_entity_id, judge_response, judge_token};
use crate::judge::{Scene, check_content_type, judge_reporting};
use crate::key::Fitting;
use crate::report_only::{Reports, SWITCHABLE};
use crate::{
    ArtifactResolutionService, AssertionConsumer, EdgeRelyingParty, IdentityProvider, Incoming,
    IssuerQualifier, Judged, JudgedArtifactResolve, JudgedResponse, JudgedToken, Once, Policy, ReplayTable,
    Service, SharedMemory, SoapRequest, TokenConsumer,
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
    /// Where Responses of identity providers arrive, when they are judged here: each service provider that
    /// is behind, such as a realm of Keycloak, with its entity ID and the identity providers that it trusts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertion_consumers: Vec<AssertionConsumer>,
    /// Whose tokens WS-Federation may bring, when they are verified here. None: a `wresult` that the policy
    /// of `wsfed` accepts passes unverified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wsfed_tokens: Option<TokenConsumer>,
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
            assertion_consumers: Vec::new(),
            wsfed_tokens: None,
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
        let judges_others = self.wsfed.is_some()
            || self.artifact_resolution.is_some()
            || !self.assertion_consumers.is_empty();
        if !(self.paths.is_empty() && judges_others) {
            check_paths("paths", &self.paths)?;
            if self.policy.destinations.is_empty() {
                return Err(wrong("policy.destinations", "one at least"));
            }
        }
        let qualifier = self.policy.issuer_qualifier.as_ref();
        let is_companion = |own: &IssuerQualifier| {
            self.policy.companions.standing(&own.parameter, "") != postern_form::Standing::Unknown
        };
        if qualifier.is_some_and(|own| !own.is_sound(has_saml_meaning) || is_companion(own)) {
            let expected = "a name without a meaning in SAML, and what stands between in entity IDs";
            return Err(wrong("policy.issuer_qualifier", expected));
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
            // Without a query only a field tells the form from a message by POST.
            let is_told = !own.parameters.is_empty() || (by_saml && own.form.is_some());
            if !(by_saml || by_wsfed) || !is_told {
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
        let at = |place: &str| {
            let place = place.to_owned();
            move |refusal: Refusal| {
                let field = format!("{place}.{}", refusal.element);
                refusal.at(&field)
            }
        };
        for (number, consumer) in self.assertion_consumers.iter().enumerate() {
            let place = format!("assertion_consumers[{number}]");
            check_paths(&format!("{place}.paths"), &consumer.paths)?;
            consumer.check().map_err(at(&place))?;
        }
        let Some(tokens) = &self.wsfed_tokens else { return Ok(()) };
        if !self.wsfed.as_ref().is_some_and(|wsfed| wsfed.policy.accepts_results) {
            return Err(wrong("wsfed_tokens", "wsfed with accepts_results"));
        }
        tokens.check().map_err(at("wsfed_tokens"))
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
    /// An answer of WS-Federation, whose token is good.
    Token(JudgedToken),
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
            Self::Token(token) => Some(("wresult", &token.entity_id, Some(&token.id))),
            Self::OtherForm | Self::Reported => None,
        }
    }

    /// What of it may not come again.
    fn once(&self) -> Vec<Once> {
        match self {
            Self::Saml(judged) => judged.once().into_iter().collect(),
            Self::ArtifactResolve(request) => vec![request.once()],
            Self::Response(response) => response.once.clone(),
            Self::Token(token) => vec![token.once.clone()],
            // Other messages of WS-Federation have no ID.
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
    /// Of each assertion consumer.
    providers: Vec<BTreeMap<String, Rc<IdentityProvider>>>,
    token_issuers: BTreeMap<String, Rc<IdentityProvider>>,
    replays: ReplayTable,
}

impl Decoder {
    /// A decoder with this configuration, which [`DecoderConfiguration::from_json`] has checked.
    pub fn new(configuration: DecoderConfiguration) -> Self {
        let realms = configuration.wsfed.iter().flat_map(|wsfed| &wsfed.realms);
        let by_name = |providers: &[IdentityProvider]| {
            let named = providers.iter().map(|own| (own.entity_id.clone(), Rc::new(own.clone())));
            named.collect::<BTreeMap<_, _>>()
        };
        let consumers = configuration.assertion_consumers.iter();
        let tokens = configuration.wsfed_tokens.as_ref();
        Self {
            registry: configuration.registry(),
            realms: realms.cloned().map(Rc::new).collect(),
            providers: consumers.map(|own| by_name(&own.identity_providers)).collect(),
            token_issuers: tokens.map(|own| by_name(&own.identity_providers)).unwrap_or_default(),
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
            Service::WsFederation => self.ws_federation(message.incoming, now, verifier),
            Service::ArtifactResolution => self.artifact_resolve(message, now, verifier, reports),
            Service::AssertionConsumer(index) => self.response(index, message.incoming, now, verifier),
            Service::SingleSignOnOrForm(index) if self.is_form(index, message.incoming) => {
                self.continuation(index, message.incoming)
            }
            Service::SingleSignOn | Service::SingleSignOnOrForm(_) => {
                let (policy, party) = (&self.configuration.policy, |id: &str| self.party(id));
                judge_reporting(message.incoming, &party, policy, now, verifier, reports).map(Decoded::Saml)
            }
            Service::Continuation(index) => self.continuation(index, message.incoming),
        };
        // What is behind a rule that cannot be passed over is not judged.
        reports.or_report(decoded, Decoded::Reported)
    }

    /// Whether a POST without a query brings the form of that continuation, and no message.
    fn is_form(&self, index: usize, incoming: Incoming<'_>) -> bool {
        let own = self.configuration.continuations.get(index);
        matches!((own, incoming), (Some(own), Incoming::Post { body, .. }) if own.is_form_by_itself(body))
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
        own.judge_posted(query, body).map(|()| Decoded::OtherForm)
    }

    fn party(&self, entity_id: &str) -> Result<Option<Rc<EdgeRelyingParty>>, Refusal> {
        Ok(self.registry.get(entity_id).map(Rc::clone))
    }

    fn ws_federation(
        &self,
        incoming: Incoming<'_>,
        now: u64,
        verifier: &dyn Verifier,
    ) -> Result<Decoded, Refusal> {
        let wsfed = self.configuration.wsfed.as_ref().ok_or_else(not_configured)?;
        let incoming = match incoming {
            Incoming::Get(query) => postern_wsfed::Incoming::Get(query),
            Incoming::Post { query, content_type, body } => {
                postern_wsfed::Incoming::Post { query, content_type, body }
            }
        };
        let judged = postern_wsfed::judge(incoming, self.realms.as_slice(), &wsfed.policy, now)?;
        match (judged, &self.configuration.wsfed_tokens) {
            (postern_wsfed::Judged::Result(result), Some(consumer)) => {
                let tokens = Tokens {
                    consumer,
                    lookup: &|id: &str| self.token_issuers.get(id).map(Rc::clone),
                    policy: &self.configuration.policy,
                    max_message: wsfed.policy.limits.max_message,
                    now,
                    verifier: &Fitting(verifier),
                };
                judge_token(&result.result, &tokens).map(Decoded::Token)
            }
            (judged, _) => Ok(Decoded::WsFederation(judged)),
        }
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
            // An ArtifactResolve has no query.
            qualifier: None,
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
        index: usize,
        incoming: Incoming<'_>,
        now: u64,
        verifier: &dyn Verifier,
    ) -> Result<Decoded, Refusal> {
        let consumer = self.configuration.assertion_consumers.get(index).ok_or_else(not_configured)?;
        let providers = self.providers.get(index).ok_or_else(not_configured)?;
        let Incoming::Post { query, content_type, body } = incoming else { return Err(not_configured()) };
        let content_type = content_type.unwrap_or_default();
        check_content_type(content_type)?;
        if consumer.serves_other_forms && !carries_message(body) {
            return apart(query, body).map(|()| Decoded::OtherForm);
        }
        let federation = Federation {
            consumer,
            lookup: &|id: &str| providers.get(id).map(Rc::clone),
            policy: &self.configuration.policy,
            now,
            verifier: &Fitting(verifier),
        };
        judge_response(query, body, &federation).map(Decoded::Response)
    }
}

/// Whether a parameter of that name, in lower case, is one that a reader of SAML messages knows.
pub fn has_saml_meaning(name: &str) -> bool {
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
