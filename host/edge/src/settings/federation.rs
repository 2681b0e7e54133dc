//! Other identity providers: their Responses of SAML, and their tokens of WS-Federation.

use std::path::PathBuf;

use postern_saml::{AssertionConsumer, IdentityProvider, TokenConsumer, read_idp_metadata};

use super::decoder::{chosen, urls};
use super::federation_sections::{FederationSection, ResultsSection};
use super::file::EdgeFile;
use super::{Open, Problems, pem};
use crate::preset::Preset;

/// The operator's field for one of the filter's: `assertion_consumers[0].identity_providers[1].signing_keys`
/// is `saml.federation.0.identity_providers.1`.
pub(super) fn field(element: &str) -> String {
    let dotted = element.replace('[', ".").replace(']', "");
    if let Some(rest) = dotted.strip_prefix("wsfed_tokens") {
        return format!("wsfed.results{rest}");
    }
    let rest = dotted.trim_start_matches("assertion_consumers.");
    match rest.split_once("identity_providers.") {
        Some((place, rest)) => {
            let number = rest.split('.').next().unwrap_or_default();
            format!("saml.federation.{place}identity_providers.{number}")
        }
        None => format!("saml.federation.{rest}"),
    }
}

/// A service for each section: where Responses arrive, for whom, and from whom.
pub(super) fn consumers(
    file: &EdgeFile,
    preset: &Preset,
    now: u64,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Vec<AssertionConsumer> {
    let sections = &file.saml.federation;
    let mut consumers = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let at = format!("saml.federation.{index}");
        // The product's paths are one service's.
        let product: &[String] = if sections.len() > 1 { &[] } else { &preset.consumer_paths };
        let paths = chosen(&section.paths, product);
        if paths.is_empty() {
            let problem = "is missing: where Responses of identity providers arrive";
            problems.add(&format!("{at}.paths"), problem);
        }
        consumers.push(AssertionConsumer {
            urls: urls(file, &paths),
            paths,
            entity_id: section.entity_id.clone(),
            serves_other_forms: section.serves_other_forms.unwrap_or(preset.consumer_serves_other_forms),
            identity_providers: providers(section, &at, now, open, problems),
        });
    }
    consumers
}

fn providers(
    section: &FederationSection,
    at: &str,
    now: u64,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Vec<IdentityProvider> {
    let mut providers = Vec::new();
    for (index, listed) in section.identity_providers.iter().enumerate() {
        match provider(listed.metadata.as_ref(), listed.entity_id.as_deref(), &listed.certificates, now, open)
        {
            Ok(provider) => providers.push(IdentityProvider {
                allows_unsolicited: listed.allows_unsolicited,
                accepts_encrypted_assertions: listed.accepts_encrypted_assertions,
                max_assertions: listed.max_assertions,
                ..provider
            }),
            Err(problem) => problems.add(&format!("{at}.identity_providers.{index}"), problem),
        }
    }
    providers
}

/// Whose tokens a `wresult` may bring. None where none is accepted, or any unverified.
pub(super) fn tokens(
    file: &EdgeFile,
    wsfed: Option<&postern_wsfed::Configuration>,
    now: u64,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Option<TokenConsumer> {
    const FIELD: &str = "wsfed.results";
    let wsfed = wsfed?;
    let ResultsSection { unverified, audiences, identity_providers } =
        file.wsfed.as_ref()?.results.as_ref()?;
    match (*unverified, audiences.is_empty() && identity_providers.is_empty()) {
        (true, true) => return None,
        (true, false) => {
            problems.add(&format!("{FIELD}.unverified"), "stands beside whose tokens are verified");
            return None;
        }
        (false, true) => {
            let problem = "are missing: whose tokens are good? (or unverified = true: the LAN verifies them)";
            problems.add(&format!("{FIELD}.identity_providers"), problem);
            return None;
        }
        (false, false) => {}
    }
    let mut providers = Vec::new();
    for (index, listed) in identity_providers.iter().enumerate() {
        match provider(listed.metadata.as_ref(), listed.entity_id.as_deref(), &listed.certificates, now, open)
        {
            Ok(provider) => providers.push(provider),
            Err(problem) => problems.add(&format!("{FIELD}.identity_providers.{index}"), problem),
        }
    }
    Some(TokenConsumer {
        audiences: audiences.clone(),
        recipients: urls(file, &wsfed.paths),
        identity_providers: providers,
    })
}

/// By its metadata, or by its name and its certificates.
fn provider(
    metadata: Option<&PathBuf>,
    entity_id: Option<&str>,
    certificates: &[PathBuf],
    now: u64,
    open: Open<'_>,
) -> Result<IdentityProvider, String> {
    match (metadata, entity_id) {
        (Some(path), None) if certificates.is_empty() => {
            let named = |error: String| format!("{}: {error}", path.display());
            let text = open(path).map_err(named)?;
            read_idp_metadata(&text, now).map_err(|refusal| named(refusal.to_string()))
        }
        (None, Some(entity_id)) => {
            let mut keys = Vec::new();
            for path in certificates {
                let read = open(path).and_then(|text| pem::certificates(&text));
                keys.extend(read.map_err(|error| format!("{}: {error}", path.display()))?);
            }
            IdentityProvider::with_certificates(entity_id, &keys).map_err(|refusal| refusal.to_string())
        }
        _ => Err("must have either metadata, or entity_id and certificates".to_owned()),
    }
}
