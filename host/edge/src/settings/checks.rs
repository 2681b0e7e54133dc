//! What a well-formed file may still get wrong.

use super::Problems;
use super::file::{BalancingSetting, EdgeFile, Protocol};
use crate::policy::{Behind, Node};
use crate::preset;

pub(super) fn check(file: &EdgeFile, problems: &mut Problems<'_>) {
    protocols(file, problems);
    sections(file, problems);
    upstream(file, problems);
    if let Some(address) = file.log.administration.filter(|address| !address.ip().is_loopback()) {
        problems.add("log.administration", format!("{address} is not a loopback address"));
    }
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        if let Some(never) = preset::never_public(file.behind, &endpoint.path) {
            problems.add(
                &format!("endpoints.{index}.path"),
                format!("{} is at or below {never}, which is management: never public", endpoint.path),
            );
        }
    }
    for (index, prefix) in file.assets.iter().enumerate() {
        if let Some(never) = preset::never_public(file.behind, prefix) {
            problems.add(&format!("assets.{index}"), format!("{prefix} is below {never}: never public"));
        }
    }
}

fn protocols(file: &EdgeFile, problems: &mut Problems<'_>) {
    for (index, protocol) in file.protocols.iter().enumerate() {
        let name = protocol.name();
        if file.protocols.iter().take(index).any(|earlier| earlier == protocol) {
            problems.add("protocols", format!("{name:?} stands there twice"));
        }
        let has = match file.behind {
            Behind::Wso2is => true,
            Behind::Keycloak | Behind::Shibboleth => matches!(protocol, Protocol::Saml2 | Protocol::Oidc),
            Behind::Postern | Behind::Endpoints => continue,
        };
        if !has {
            let product = file.behind.product();
            problems.add("protocols", format!("{product} does not speak {name}"));
        }
    }
    match file.behind {
        Behind::Postern if !file.protocols.is_empty() => {
            problems.add("protocols", "are those of postern.export: leave them out behind Postern");
        }
        Behind::Endpoints if !file.protocols.is_empty() => {
            problems
                .add("protocols", "have no effect behind \"endpoints\": list [[endpoints]] and saml.paths");
        }
        Behind::Endpoints if file.endpoints.is_empty() => {
            problems.add("endpoints", "are missing: behind \"endpoints\" they are all that is reachable");
        }
        Behind::Wso2is | Behind::Keycloak | Behind::Shibboleth if file.protocols.is_empty() => {
            problems.add("protocols", "must name at least one: \"saml2\", \"oidc\", …");
        }
        _ => {}
    }
}

/// Sections of products that are not there.
fn sections(file: &EdgeFile, problems: &mut Problems<'_>) {
    match (file.behind, &file.postern) {
        (Behind::Postern, None) => {
            problems
                .add("postern.export", "is missing: the file that `postern edge export` writes in the LAN");
        }
        (Behind::Postern, Some(_)) | (_, None) => {}
        (_, Some(_)) => problems.add("postern", "has no effect: `behind` names another product"),
    }
    match (file.behind, &file.keycloak) {
        (Behind::Keycloak, None) => problems.add("keycloak.realms", "is missing: the realms that are public"),
        (Behind::Keycloak, Some(keycloak)) => {
            if keycloak.realms.is_empty() {
                problems.add("keycloak.realms", "must name at least one");
            }
            names(problems, "keycloak.realms", &keycloak.realms);
            names(problems, "keycloak.identity_providers", &keycloak.identity_providers);
            names(problems, "keycloak.idp_initiated", &keycloak.idp_initiated);
            if !keycloak.idp_initiated.is_empty() && !file.protocols.contains(&Protocol::Saml2) {
                problems.add("keycloak.idp_initiated", "has no effect: saml2 is not among the protocols");
            }
            if keycloak.realms.iter().any(|realm| realm.eq_ignore_ascii_case("master")) {
                problems
                    .add("keycloak.realms", "\"master\" is the administrators' realm: it is never public");
            }
            base_path(problems, "keycloak.path", &keycloak.path);
        }
        (_, None) => {}
        (_, Some(_)) => problems.add("keycloak", "has no effect: `behind` names another product"),
    }
    names(problems, "wso2is.tenants", &file.wso2is.tenants);
    if file.behind != Behind::Wso2is && !file.wso2is.tenants.is_empty() {
        problems.add("wso2is", "has no effect: `behind` names another product");
    }
    base_path(problems, "shibboleth.path", &file.shibboleth.path);
    if file.behind != Behind::Endpoints && file.wsfed.as_ref().is_some_and(|wsfed| !wsfed.paths.is_empty()) {
        problems.add("wsfed.paths", "has no effect: the product's own paths are judged");
    }
    if file.behind != Behind::Endpoints && !file.saml.paths.is_empty() {
        problems.add("saml.paths", "has no effect: the product's own paths are judged");
    }
    let judges_saml = match file.behind {
        Behind::Postern => false,
        Behind::Endpoints => !file.saml.paths.is_empty(),
        _ => file.protocols.contains(&Protocol::Saml2),
    };
    let by_postern = file.behind == Behind::Postern;
    for (field, is_set) in
        [("wsfed", file.wsfed.is_some()), ("saml.federation", !file.saml.federation.is_empty())]
    {
        if is_set && by_postern {
            problems.add(field, "has no effect behind Postern, which has nothing of the kind");
        }
    }
    if file.listen.client_crl.is_some() && file.listen.client_ca.is_none() {
        problems.add("listen.client_crl", "has no effect without listen.client_ca");
    }
    if !judges_saml && !file.saml.relying_parties.is_empty() {
        let why = "has no effect: no SAML endpoint is judged here";
        problems.add("saml.relying_parties", why);
    }
    let options = [
        ("saml.unjudged_paths", !file.saml.unjudged_paths.is_empty()),
        ("saml.single_logout", file.saml.single_logout.is_some()),
        ("saml.replay_slots", file.saml.replay_slots.is_some()),
        ("saml.artifact_resolution", file.saml.artifact_resolution.is_some()),
    ];
    for (field, _) in options.iter().filter(|(_, is_set)| *is_set && !judges_saml) {
        problems.add(field, "has no effect: no SAML endpoint is judged here");
    }
}

/// A segment of a path that is compared letter by letter.
fn names(problems: &mut Problems<'_>, field: &str, names: &[String]) {
    for (index, name) in names.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            problems.add(field, format!("{name:?} is no name: letters, digits, `-`, `_` and `.`"));
        }
        if names.iter().take(index).any(|earlier| earlier == name) {
            problems.add(field, format!("{name:?} stands there twice"));
        }
    }
}

fn base_path(problems: &mut Problems<'_>, field: &str, path: &str) {
    if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
        problems.add(field, "must begin with a slash and not end in one, or be empty");
    }
}

fn upstream(file: &EdgeFile, problems: &mut Problems<'_>) {
    let upstream = &file.upstream;
    if upstream.nodes.is_empty() {
        problems.add("upstream.nodes", "must name at least one");
    }
    for (index, node) in upstream.nodes.iter().enumerate() {
        match Node::parse(node) {
            None => problems.add("upstream.nodes", format!("{node:?} must be host:port")),
            Some(_) if upstream.nodes.iter().take(index).any(|earlier| earlier == node) => {
                problems.add("upstream.nodes", format!("{node:?} stands there twice"));
            }
            Some(_) => {}
        }
    }
    if upstream.server_name.is_empty() {
        problems.add("upstream.server_name", "must be the DNS name in the nodes' certificates");
    }
    match (&upstream.client_certificate, &upstream.client_key) {
        (None, None) if file.behind == Behind::Postern => {
            problems.add("upstream.client_certificate", "is missing: Postern lets in nobody without one");
        }
        (Some(_), None) => problems.add("upstream.client_key", "is missing beside client_certificate"),
        (None, Some(_)) => problems.add("upstream.client_certificate", "is missing beside client_key"),
        _ => {}
    }
    if upstream.nodes.len() == 1 && upstream.balancing == Some(BalancingSetting::Affinity) {
        problems.add("upstream.balancing", "\"affinity\" has no effect with one node: remove it");
    }
    if let Some(health) = &upstream.health {
        if health.path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            problems.add("upstream.health.path", "must begin with a slash");
        }
        if health.timeout > health.interval {
            problems.add("upstream.health.timeout", "must not be longer than the interval");
        }
    }
}
