//! The SAML decoder: messages of SAML and of WS-Federation at the product's paths.

use postern_saml::{
    ArtifactResolution, ArtifactResolutionService, CertificateDigest, Companions, DecoderConfiguration,
    ModuleSettings, Policy,
};

use super::federation_sections::{ArtifactResolutionSection, WsfedSection};
use super::file::{EdgeFile, Protocol};
use super::{Open, Problems, federation, pem, relying_parties};
use crate::policy::{Behind, Guard};
use crate::preset::Preset;

/// The decoder, when something is judged.
pub(super) fn guard(
    file: &EdgeFile,
    preset: &Preset,
    now: u64,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Option<Guard> {
    let wsfed = wsfed(file, preset, problems);
    let section = &file.saml;
    if preset.saml_paths.is_empty() && wsfed.is_none() && section.federation.is_empty() {
        return None;
    }
    let parties = relying_parties::read(&section.relying_parties, now, open, problems);
    if section.relying_parties.is_empty() && !preset.saml_paths.is_empty() {
        problems.add(
            "saml.relying_parties",
            "must name the metadata of at least one registered service provider",
        );
    }
    let policy = policy(file, preset, problems)?;
    let mut decoder = DecoderConfiguration::new(policy, parties);
    decoder.paths.clone_from(&preset.saml_paths);
    decoder.unjudged_paths = [preset.unjudged_paths.as_slice(), &section.unjudged_paths].concat();
    if let Some(slots) = section.replay_slots {
        decoder.replay_slots = slots;
    }
    decoder.continuations.clone_from(&preset.continuations);
    decoder.report_only = super::report_only::of(file, &["saml.", "wsfed.", "xml."]);
    decoder.wsfed = wsfed;
    if let Some(artifacts) = &section.artifact_resolution {
        decoder.artifact_resolution = artifact_resolution(file, artifacts, preset);
        artifact_parties(&mut decoder, file, artifacts, open, problems);
    }
    decoder.assertion_consumers = federation::consumers(file, preset, now, open, problems);
    decoder.wsfed_tokens = federation::tokens(file, decoder.wsfed.as_ref(), now, open, problems);
    let configuration = serde_json::to_value(decoder).unwrap_or_default();
    // As the filter will read it: an error now instead of a proxy that does not start.
    if problems.found.is_empty()
        && let Err(refusal) = DecoderConfiguration::from_json(configuration.to_string().as_bytes())
    {
        problems.add(&field(&refusal.element), refusal.to_string());
    }
    Some(Guard { wasm: file.filters.directory.join("saml-decoder.wasm"), configuration })
}

/// The operator's field for one of the filter's.
fn field(element: &str) -> String {
    match element.split(['.', '[']).next().unwrap_or_default() {
        "wsfed" => element.replace("policy.", "").replace('[', ".").replace(']', ""),
        "report_only" => "report_only".to_owned(),
        "artifact_resolution" => format!("saml.{element}"),
        "assertion_consumers" | "wsfed_tokens" => federation::field(element),
        _ => "saml".to_owned(),
    }
}

/// By the module's own settings, with their bounds.
fn policy(file: &EdgeFile, preset: &Preset, problems: &mut Problems<'_>) -> Option<Policy> {
    let host = file.hosts.first()?;
    let mut json = serde_json::Map::new();
    let saml = &file.saml;
    if let Some(skew) = saml.clock_skew {
        json.insert("clock_skew".into(), skew.0.into());
    }
    if let Some(age) = saml.max_age {
        json.insert("max_age".into(), age.0.into());
    }
    if let Some(algorithms) = &saml.algorithms {
        json.insert("algorithms".into(), algorithms.clone().into());
    }
    let settings = match ModuleSettings::from_json(&serde_json::Value::Object(json).to_string()) {
        Ok(settings) => settings,
        Err(refusal) => {
            problems.add("saml", refusal.to_string());
            return None;
        }
    };
    let single_logout =
        saml.single_logout.unwrap_or(matches!(file.behind, Behind::Wso2is | Behind::Keycloak));
    Some(Policy {
        destinations: urls(file, &preset.saml_paths),
        single_logout,
        companions: companions(preset),
        issuer_qualifier: preset.issuer_qualifier.clone(),
        ..settings.policy(&format!("https://{host}"))
    })
}

fn companions(preset: &Preset) -> Companions {
    match (&preset.tenant_parameter, preset.tenants.as_slice()) {
        (Some(name), tenants) if !tenants.is_empty() => Companions::of(name, tenants.iter().cloned()),
        _ => Companions::default(),
    }
}

/// Each path at each public host.
pub(super) fn urls(file: &EdgeFile, paths: &[String]) -> Vec<String> {
    let hosts = file.hosts.iter();
    hosts.flat_map(|host| paths.iter().map(move |path| format!("https://{host}{path}"))).collect()
}

fn wsfed(
    file: &EdgeFile,
    preset: &Preset,
    problems: &mut Problems<'_>,
) -> Option<postern_wsfed::Configuration> {
    let judged = file.protocols.contains(&Protocol::Wsfed) || file.behind == Behind::Endpoints;
    let section = match (&file.wsfed, judged) {
        (Some(section), true) => section,
        (None, true) if file.behind != Behind::Endpoints => {
            problems.add("wsfed.realms", "is missing: the registered relying parties of WS-Federation");
            return None;
        }
        (Some(_), false) => {
            problems.add("wsfed", "has no effect: wsfed is not among the protocols");
            return None;
        }
        (None, _) => return None,
    };
    let paths = chosen(&section.paths, &preset.wsfed_paths);
    if paths.is_empty() {
        problems.add("wsfed.paths", "is missing: where requests of WS-Federation arrive");
        return None;
    }
    if section.realms.is_empty() {
        problems.add("wsfed.realms", "must name at least one relying party");
    }
    Some(postern_wsfed::Configuration {
        paths,
        policy: wsfed_policy(section, companions(preset)),
        realms: section
            .realms
            .iter()
            .map(|realm| postern_wsfed::Realm {
                realm: realm.realm.clone(),
                replies: realm.replies.clone(),
                sign_out_replies: realm.sign_out_replies.clone(),
            })
            .collect(),
    })
}

fn wsfed_policy(section: &WsfedSection, companions: Companions) -> postern_wsfed::Policy {
    let default = postern_wsfed::Policy::default();
    postern_wsfed::Policy {
        clock_skew: section.clock_skew.map_or(default.clock_skew, |skew| skew.0),
        max_age: section.max_age.map_or(default.max_age, |age| age.0),
        home_realms: section.home_realms.clone(),
        accepts_requests: section.accepts_requests,
        request_pointers: section.request_pointers.clone(),
        accepts_results: section.results.is_some(),
        ignored_parameters: section.ignored_parameters.clone(),
        companions,
        limits: default.limits,
    }
}

/// What the operator lists, or else what the product has.
pub(super) fn chosen(listed: &[String], product: &[String]) -> Vec<String> {
    if listed.is_empty() { product.to_vec() } else { listed.to_vec() }
}

fn artifact_resolution(
    file: &EdgeFile,
    section: &ArtifactResolutionSection,
    preset: &Preset,
) -> Option<ArtifactResolutionService> {
    let paths = chosen(&section.paths, &preset.artifact_paths);
    Some(ArtifactResolutionService {
        destinations: urls(file, &paths),
        paths,
        entity_id: section.entity_id.clone(),
        endpoint_index: section.endpoint_index,
    })
}

/// Tells each registration how it vouches for its requests.
fn artifact_parties(
    decoder: &mut DecoderConfiguration,
    file: &EdgeFile,
    section: &ArtifactResolutionSection,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) {
    for (index, listed) in section.relying_parties.iter().enumerate() {
        let field = format!("saml.artifact_resolution.relying_parties.{index}");
        let mut digests = Vec::new();
        for path in &listed.certificates {
            match open(path).and_then(|text| pem::certificates(&text)) {
                Ok(certificates) => digests.extend(certificates.iter().map(|der| CertificateDigest::of(der))),
                Err(error) => {
                    problems.add(&format!("{field}.certificates"), format!("{}: {error}", path.display()));
                }
            }
        }
        let mut parties = decoder.relying_parties.iter_mut();
        let Some(party) = parties.find(|party| party.entity_id == listed.entity_id) else {
            let problem = format!("{:?} is not among saml.relying_parties", listed.entity_id);
            problems.add(&format!("{field}.entity_id"), problem);
            continue;
        };
        if listed.certificates.is_empty() && party.signing_keys.is_empty() {
            let problem = "its metadata has no key to verify its requests with: list its certificates";
            problems.add(&format!("{field}.certificates"), problem);
        }
        if !listed.certificates.is_empty() && file.listen.client_ca.is_none() {
            problems.add("listen.client_ca", "is missing: who issued the certificates of service providers");
        }
        party.artifact_resolution = if listed.certificates.is_empty() {
            ArtifactResolution::Signed
        } else {
            ArtifactResolution::Certificate(digests)
        };
    }
}
