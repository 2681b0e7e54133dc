//! The names of query parameters. Their values are judged by the protocol.

use postern_refusal::Refusal;

use crate::declaration::Endpoint;

/// Most parameters: that of `postern_form::MAX_PARAMETERS`.
const MAX_PARAMETERS: usize = 64;

/// Judges a raw query against the endpoint's declaration.
///
/// The reason codes are those of `postern-form` where the rule is: this is the same rule,
/// applied without decoding a value.
pub(crate) fn judge(query: &str, endpoint: &Endpoint) -> Result<(), Refusal> {
    let limit = usize::try_from(endpoint.max_query).unwrap_or(usize::MAX);
    if query.len() > limit {
        return Err(Refusal::misbehaved("endpoint.query.too-long")
            .with_status(414)
            .at("query")
            .expected(&format!("at most {limit} bytes"))
            .found(&format!("{} bytes", query.len())));
    }
    if query.is_empty() {
        return Ok(());
    }
    let mut seen: Vec<&str> = Vec::new();
    for parameter in query.split('&') {
        let name = parameter.split('=').next().unwrap_or_default();
        if name.is_empty() {
            return Err(Refusal::misbehaved("form.name.empty").at("query").expected("a parameter name"));
        }
        if name.bytes().any(|byte| byte == b'%' || byte == b'+') {
            return Err(Refusal::misbehaved("form.name.encoded")
                .at(name)
                .expected("a literal parameter name"));
        }
        if seen.contains(&name) {
            return Err(Refusal::misbehaved("form.duplicate").at(name).expected("the parameter once"));
        }
        if seen.len() >= MAX_PARAMETERS {
            return Err(Refusal::misbehaved("form.too-many").at("query").expected("64 parameters at most"));
        }
        if !endpoint.ignores_other_parameters && !endpoint.query_parameters.iter().any(|known| known == name)
        {
            return Err(Refusal::misbehaved("endpoint.parameter.unknown")
                .at(name)
                .expected(&endpoint.query_parameters.join(", ")));
        }
        seen.push(name);
    }
    Ok(())
}
