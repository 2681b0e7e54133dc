//! What the query of a POST may have where somebody judges its body: servers merge the two.

use postern_endpoint::{Endpoint, Method};
use postern_saml::{Continuation, has_saml_meaning};

use super::Problems;
use super::file::EdgeFile;
use crate::preset::Preset;

const FIELD: &str = "posted_query_parameters";

/// Says it at every endpoint whose messages the guards know, and where the operator says it.
pub(super) fn apply(
    file: &EdgeFile,
    preset: &Preset,
    endpoints: &mut [Endpoint],
    problems: &mut Problems<'_>,
) {
    let places = Places::of(file, preset);
    for endpoint in endpoints.iter_mut().filter(|endpoint| endpoint.methods.contains(&Method::Post)) {
        let path = &endpoint.path;
        if let Some(own) = places.known(path) {
            if endpoint.posted_query_parameters.replace(own).is_some() {
                problems.add(FIELD, format!("{path} takes messages: what may stand beside them is known"));
            }
        } else if places.consumers.contains(path) {
            endpoint.posted_query_parameters.get_or_insert_default();
        }
    }
    for (path, names) in &file.posted_query_parameters {
        let at = format!("{FIELD}.{path}");
        let endpoint = endpoints.iter_mut().find(|endpoint| endpoint.path == *path);
        match endpoint.filter(|endpoint| endpoint.methods.contains(&Method::Post)) {
            None => problems.add(&at, "is no endpoint that takes a POST"),
            Some(_) if places.known(path).is_some() => {
                problems.add(&at, "takes messages: what may stand beside them is known");
            }
            Some(endpoint) => endpoint.posted_query_parameters = Some(names.clone()),
        }
    }
    for endpoint in endpoints.iter().filter(|endpoint| places.consumers.contains(&endpoint.path)) {
        let names = endpoint.posted_query_parameters.iter().flatten();
        for name in names.filter(|name| has_saml_meaning(&name.to_ascii_lowercase())) {
            problems.add(FIELD, format!("{}: {name} belongs to the messages that are judged", endpoint.path));
        }
    }
}

struct Places<'p> {
    preset: &'p Preset,
    /// Beside a SAML message.
    companions: Vec<String>,
    saml: Vec<String>,
    wsfed: Vec<String>,
    authorization: Vec<String>,
    consumers: Vec<String>,
}

impl<'p> Places<'p> {
    fn of(file: &EdgeFile, preset: &'p Preset) -> Self {
        let listed = |own: &[String], product: &[String]| {
            if own.is_empty() { product.to_vec() } else { own.to_vec() }
        };
        let own = file.wsfed.as_ref().map_or(&[][..], |section| &section.paths);
        let wsfed = listed(own, &preset.wsfed_paths);
        let own = file.authorization.as_ref().map_or(&[][..], |section| &section.paths);
        let authorization = listed(own, &preset.authorization_paths);
        let sections = file.saml.federation.iter();
        let own: Vec<String> = sections.flat_map(|section| section.paths.clone()).collect();
        let consumers = listed(&own, &preset.consumer_paths);
        let tenant = preset.tenant_parameter.iter().filter(|_| !preset.tenants.is_empty()).cloned();
        let qualifier = preset.issuer_qualifier.iter().map(|own| own.parameter.clone());
        Self {
            preset,
            companions: tenant.chain(qualifier).collect(),
            saml: preset.saml_paths.clone(),
            wsfed,
            authorization,
            consumers,
        }
    }

    /// What may stand there, when the path takes messages.
    fn known(&self, path: &String) -> Option<Vec<String>> {
        let is_saml = self.saml.contains(path);
        let (beside, flows) = if is_saml || self.wsfed.contains(path) {
            (if is_saml { self.companions.as_slice() } else { &[] }, &self.preset.continuations)
        } else if self.authorization.contains(path) {
            (&[][..], &self.preset.authorization_continuations)
        } else {
            return None;
        };
        let is_form = |own: &&Continuation| own.path == *path && own.form.is_some();
        let flows = flows.iter().filter(is_form).flat_map(|own| own.parameters.iter().cloned());
        Some(beside.iter().cloned().chain(flows).collect())
    }
}
