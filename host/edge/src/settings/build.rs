//! From the file to what proxies are configured from.

use postern_endpoint::{Assets, EdgeRules, Endpoint, EndpointPolicy, EndpointTable};
use postern_feed::Source;

use super::file::{
    BalancingSetting, EdgeFile, EndpointSection, HealthSection, LimitsSection, Method, PosternSection,
    Protocol,
};
use super::key_sources::KeySources;
use super::{
    Built, Exported, Open, Problems, decoder, introspection, posted_queries, report_only, rules, tokens,
};
use crate::CALLOUT_CLUSTER;
use crate::policy::{
    AccessLog, Balancing, Behind, ClientAuthority, EdgePolicy, Guard, HealthCheck, Limits, Node, TlsFiles,
    Upstream,
};
use crate::preset::{self, Preset};

/// None when something that everything else needs is not there; the problems say what.
pub(super) fn build(file: &EdgeFile, now: u64, open: Open<'_>, problems: &mut Problems<'_>) -> Option<Built> {
    let mut notes = Vec::new();
    let mut feed = None;
    let mut policy_headers = Vec::new();
    let mut key_sources = KeySources::default();
    let (preset, saml_decoder, token_validator) = match file.behind {
        Behind::Postern => {
            let exported = exported(file, open, problems)?;
            feed = exported.feed;
            policy_headers = exported.policy_headers;
            (exported.preset, exported.saml_decoder, exported.token_validator)
        }
        _ => {
            let preset = preset::of(file);
            let saml = decoder::guard(file, &preset, now, open, problems);
            let tokens = tokens::guard(file, &preset, &mut key_sources, open, problems);
            notes.extend(unjudged(file));
            notes.extend(introspection::notes(file));
            (preset, saml, tokens)
        }
    };
    report_only::check(file, saml_decoder.is_some(), token_validator.is_some(), problems);
    let product = preset.clone();
    let mut endpoints = preset.endpoints;
    endpoints.extend(file.endpoints.iter().map(endpoint));
    if file.behind != Behind::Postern {
        posted_queries::apply(file, &product, &mut endpoints, problems);
    }
    let mut assets = preset.assets;
    assets.extend(file.assets.iter().map(|prefix| Assets { prefix: prefix.clone() }));
    let mut rules = rules::rules(file, problems);
    rules.believed_headers.names = policy_headers;
    require_table(file, &endpoints, &assets, &rules, problems);
    let policy = EdgePolicy {
        listener: file.listen.address,
        tls: TlsFiles {
            certificate_chain: file.listen.certificate.clone(),
            private_key: file.listen.key.clone(),
        },
        client_authority: file.listen.client_ca.clone().map(|certificates| ClientAuthority {
            certificates,
            revocations: file.listen.client_crl.clone(),
        }),
        key_clusters: key_sources.clusters,
        hosts: file.hosts.clone(),
        upstream: upstream(file),
        endpoints,
        assets,
        endpoint_filter: file.filters.directory.join("endpoint-filter.wasm"),
        saml_decoder,
        token_validator,
        guard: file.filters.guard.guard(&file.filters.directory),
        administration: file.log.administration,
        access_log: file.log.access.clone().map_or(AccessLog::Stdout, AccessLog::File),
        limits: limits(&file.limits),
        rules,
        feed,
    };
    Some(Built { policy, notes })
}

/// What Postern exported, as if it were a preset.
struct FromPostern {
    preset: Preset,
    saml_decoder: Option<Guard>,
    token_validator: Option<Guard>,
    feed: Option<Source>,
    policy_headers: Vec<String>,
}

fn exported(file: &EdgeFile, open: Open<'_>, problems: &mut Problems<'_>) -> Option<FromPostern> {
    const FIELD: &str = "postern.export";
    let section = file.postern.as_ref()?;
    let path = &section.export;
    let exported = open(path)
        .and_then(|text| serde_json::from_slice::<Exported>(&text).map_err(|error| error.to_string()));
    let exported = match exported {
        Ok(exported) => exported,
        Err(error) => {
            problems.add(FIELD, format!("{}: {error}", path.display()));
            return None;
        }
    };
    if file.tokens.is_some() {
        problems.add("tokens", "are those of postern.export: [edge.tokens] of postern.toml says them");
    }
    let feed = feed(file, section, exported.feed, open, problems);
    let guard = |name: &str, configuration| Guard { wasm: file.filters.directory.join(name), configuration };
    Some(FromPostern {
        preset: Preset { endpoints: exported.endpoints, assets: exported.assets, ..Preset::default() },
        saml_decoder: exported.saml_decoder.map(|configuration| guard("saml-decoder.wasm", configuration)),
        token_validator: exported
            .token_validator
            .map(|configuration| guard("token-validator.wasm", configuration)),
        feed,
        policy_headers: exported.policy_headers,
    })
}

/// Where the filters fetch what is registered later. Postern has the say about endpoints then.
fn feed(
    file: &EdgeFile,
    section: &PosternSection,
    exported: Option<Source>,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Option<Source> {
    const FIELD: &str = "postern.feed";
    let exported = match (section.feed, exported) {
        (Some(false), _) => None,
        (Some(true), None) => {
            problems.add(
                FIELD,
                "the export does not say from where: Postern serves it only to a proxy with a certificate",
            );
            None
        }
        (_, exported) => exported,
    };
    let Some(mut source) = exported else {
        if !section.feed_keys.is_empty() {
            problems.add("postern.feed_keys", "have no effect: nothing is fetched");
        }
        return None;
    };
    if !file.endpoints.is_empty() || !file.assets.is_empty() {
        problems.add(
            FIELD,
            "[[endpoints]] and assets would be gone with the first change in the LAN: leave them out, or \
             set feed = false",
        );
    }
    source.cluster = CALLOUT_CLUSTER.into();
    for path in &section.feed_keys {
        let added =
            open(path).and_then(|keys| source.accept_keys(&keys).map_err(|refusal| refusal.to_string()));
        if let Err(error) = added {
            problems.add("postern.feed_keys", format!("{}: {error}", path.display()));
        }
    }
    if let Err(refusal) = source.key_set() {
        problems.add("postern.export", refusal.to_string());
    }
    Some(source)
}

/// What the operator should know.
fn unjudged(file: &EdgeFile) -> Vec<String> {
    let mut notes = Vec::new();
    for protocol in &file.protocols {
        let name = protocol.name();
        if matches!(protocol, Protocol::Openid2 | Protocol::Wstrust) {
            notes.push(format!(
                "{name}: the endpoint filter alone judges it (path, method, parameter names, sizes); its \
                 messages are not decoded."
            ));
        }
    }
    if file.wsfed.as_ref().is_some_and(|wsfed| wsfed.results.is_some()) {
        notes.push("wsfed: the signature of a `wresult` is not verified here.".to_owned());
    }
    notes
}

fn endpoint(section: &EndpointSection) -> Endpoint {
    let posts = section.methods.contains(&Method::Post);
    let queries = section.ignores_other_parameters || !section.query_parameters.is_empty();
    Endpoint {
        path: section.path.clone(),
        methods: section
            .methods
            .iter()
            .map(|method| match method {
                Method::Get => postern_endpoint::Method::Get,
                Method::Post => postern_endpoint::Method::Post,
            })
            .collect(),
        content_types: match &section.content_types {
            Some(types) => types.clone(),
            None if posts => vec![preset::FORM.into()],
            None => Vec::new(),
        },
        max_body: section.max_body.unwrap_or(if posts { 65_536 } else { 0 }),
        max_query: section.max_query.unwrap_or(if queries { 8_192 } else { 0 }),
        query_parameters: section.query_parameters.clone(),
        ignores_other_parameters: section.ignores_other_parameters,
        posted_query_parameters: section.posted_query_parameters.clone(),
    }
}

/// The table as the filter will build it: its error is placed at the operator's own endpoint when
/// it is about one.
fn require_table(
    file: &EdgeFile,
    endpoints: &[Endpoint],
    assets: &[Assets],
    rules: &EdgeRules,
    problems: &mut Problems<'_>,
) {
    let json = serde_json::json!({
        "hosts": file.hosts, "endpoints": endpoints, "assets": assets, "edge": rules,
    });
    let table = EndpointPolicy::from_json(json.to_string().as_bytes()).and_then(EndpointTable::new);
    let Err(error) = table else { return };
    let own = |list: &str, preset: usize| {
        let index =
            error.field.strip_prefix(list)?.strip_prefix('[')?.split(']').next()?.parse::<usize>().ok()?;
        let name = error.field.split_once("].").map(|(_, name)| format!(".{name}")).unwrap_or_default();
        Some(format!("{list}.{}{name}", index.checked_sub(preset)?))
    };
    let field = own("endpoints", endpoints.len().saturating_sub(file.endpoints.len()))
        .or_else(|| own("assets", assets.len().saturating_sub(file.assets.len())))
        .or_else(|| rules::field(&error.field))
        .unwrap_or_else(|| error.field.split('[').next().unwrap_or_default().to_owned());
    problems.add(&field, error.problem);
}

fn upstream(file: &EdgeFile) -> Upstream {
    let upstream = &file.upstream;
    let nodes: Vec<Node> = upstream.nodes.iter().filter_map(|node| Node::parse(node)).collect();
    let balancing = match upstream.balancing {
        Some(BalancingSetting::RoundRobin) => Balancing::RoundRobin,
        Some(BalancingSetting::LeastRequest) => Balancing::LeastRequest,
        Some(BalancingSetting::Affinity) => Balancing::Affinity,
        None if file.behind == Behind::Postern => Balancing::RoundRobin,
        None => Balancing::Affinity,
    };
    let client = upstream.client_certificate.clone().zip(upstream.client_key.clone());
    Upstream {
        behind: file.behind,
        server_name: upstream.server_name.clone(),
        authority: upstream.ca.clone(),
        client: client.map(|(certificate_chain, private_key)| TlsFiles { certificate_chain, private_key }),
        health: health(upstream.health.as_ref(), nodes.len()),
        balancing,
        nodes,
    }
}

fn health(section: Option<&HealthSection>, nodes: usize) -> Option<HealthCheck> {
    match section {
        Some(HealthSection { path, port, interval, timeout }) => {
            Some(HealthCheck { path: path.clone(), port: *port, interval: interval.0, timeout: timeout.0 })
        }
        None if nodes > 1 => Some(HealthCheck { path: None, port: None, interval: 5, timeout: 2 }),
        None => None,
    }
}

fn limits(section: &LimitsSection) -> Limits {
    let default = Limits::default();
    let seconds = |duration: Option<postern_settings::Duration>, default: u32| {
        duration.map_or(default, |duration| u32::try_from(duration.0).unwrap_or(u32::MAX))
    };
    Limits {
        connections: section.connections.unwrap_or(default.connections),
        requests: section.requests.unwrap_or(default.requests),
        heap: section.heap_mib.map_or(default.heap, |mib| u64::from(mib) << 20),
        header_kib: section.header_kib.unwrap_or(default.header_kib),
        request_seconds: seconds(section.request_time, default.request_seconds),
        response_seconds: seconds(section.response_time, default.response_seconds),
        idle_seconds: seconds(section.idle_time, default.idle_seconds),
        requests_per_second: section.requests_per_second.unwrap_or(default.requests_per_second),
        client_requests_per_second: section
            .client_requests_per_second
            .unwrap_or(default.client_requests_per_second),
        client_burst: section.client_burst.unwrap_or(default.client_burst),
    }
}
