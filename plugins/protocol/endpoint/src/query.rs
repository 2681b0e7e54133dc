//! The names of query parameters, how many there are and how long. Their values are judged by the
//! protocol.

use memchr::memchr;
use postern_refusal::Refusal;

use crate::declaration::Endpoint;
use crate::limits::{MAX_PARAMETERS, RequestLimits};
use crate::report_only::Report;

/// Judges a raw query against the endpoint's declaration.
///
/// The reason codes are those of `postern-form` where the rule is: this is the same rule,
/// applied without decoding a value.
pub(crate) fn judge(
    query: &str,
    endpoint: &Endpoint,
    limits: &RequestLimits,
    report: &mut Report<'_>,
) -> Result<(), Refusal> {
    let limit = usize::try_from(endpoint.max_query).unwrap_or(usize::MAX);
    if query.len() > limit {
        report(
            Refusal::misbehaved("endpoint.query.too-long")
                .with_status(414)
                .at("query")
                .expected(&format!("at most {limit} bytes"))
                .found(&format!("{} bytes", query.len())),
        )?;
    }
    if query.is_empty() {
        return Ok(());
    }
    let mut seen = [None; MAX_PARAMETERS];
    for (position, parameter) in parameters(query).enumerate() {
        let (name, value) = cut(parameter, b'=');
        let value = value.unwrap_or_default();
        if name.is_empty() {
            return Err(Refusal::misbehaved("form.name.empty").at("query").expected("a parameter name"));
        }
        if name.bytes().any(|byte| byte == b'%' || byte == b'+') {
            return Err(Refusal::misbehaved("form.name.encoded")
                .at(name)
                .expected("a literal parameter name"));
        }
        if seen.iter().take(position).any(|other| *other == Some(name)) {
            return Err(Refusal::misbehaved("form.duplicate").at(name).expected("the parameter once"));
        }
        if position >= usize::from(limits.max_parameters) {
            return Err(Refusal::misbehaved("form.too-many")
                .at("query")
                .expected(&format!("{} parameters at most", limits.max_parameters)));
        }
        if let Some(place) = seen.get_mut(position) {
            *place = Some(name);
        }
        require_short(name, value, limits)?;
        if !endpoint.ignores_other_parameters && !endpoint.query_parameters.iter().any(|known| known == name)
        {
            report(
                Refusal::misbehaved("endpoint.parameter.unknown")
                    .at(name)
                    .expected(&endpoint.query_parameters.join(", ")),
            )?;
        }
    }
    Ok(())
}

/// What stands between the ampersands. `str::split` takes three times as long, and every query comes
/// through here.
fn parameters(query: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(query);
    core::iter::from_fn(move || {
        let (parameter, after) = cut(rest?, b'&');
        rest = after;
        Some(parameter)
    })
}

/// What stands before the first such ASCII character, and behind it.
fn cut(text: &str, character: u8) -> (&str, Option<&str>) {
    match memchr(character, text.as_bytes()).and_then(|end| text.split_at_checked(end)) {
        Some((before, from)) => (before, from.get(1..)),
        None => (text, None),
    }
}

fn require_short(name: &str, value: &str, limits: &RequestLimits) -> Result<(), Refusal> {
    let too_long = |code, at: &str, limit: u32, found: usize| {
        Err(Refusal::misbehaved(code)
            .with_status(414)
            .at(at)
            .expected(&format!("at most {limit} bytes"))
            .found(&format!("{found} bytes")))
    };
    let longer = |length: usize, limit: u32| u32::try_from(length).map_or(true, |length| length > limit);
    if longer(name.len(), u32::from(limits.max_parameter_name)) {
        let limit = u32::from(limits.max_parameter_name);
        return too_long("endpoint.parameter.name-too-long", "query", limit, name.len());
    }
    if longer(value.len(), limits.max_parameter_value) {
        return too_long("endpoint.parameter.value-too-long", name, limits.max_parameter_value, value.len());
    }
    Ok(())
}
