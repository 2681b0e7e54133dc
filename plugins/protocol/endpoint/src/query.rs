//! The names of query parameters, how many there are and how long. Their values are judged by the
//! protocol.

use postern_refusal::Refusal;

use crate::declaration::{Endpoint, Method};
use crate::limits::{MAX_PARAMETERS, RequestLimits};
use crate::report_only::Report;

/// Judges a raw query, which is ASCII, against the endpoint's declaration.
///
/// The reason codes are those of `postern-form` where the rule is: this is the same rule,
/// applied without decoding a value.
pub(crate) fn judge(
    query: &[u8],
    method: Method,
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
    let posted = endpoint.posted_query_parameters.as_deref().filter(|_| method == Method::Post);
    let rule = Rule { endpoint, limits, posted };
    let mut names = Names::default();
    // Where the parameter starts, where its name ends, and whether the name is encoded.
    let (mut start, mut name_end, mut is_encoded) = (0_usize, None, false);
    for_each_mark(query, |position, mark| {
        match mark {
            b'&' => {
                let (name, value) = cut(query, start, name_end, position);
                require_parameter(name, value, is_encoded, &mut names, &rule, report)?;
                (start, name_end, is_encoded) = (position.saturating_add(1), None, false);
            }
            b'=' if name_end.is_none() => name_end = Some(position),
            b'%' | b'+' if name_end.is_none() => is_encoded = true,
            _ => {}
        }
        Ok(())
    })?;
    let (name, value) = cut(query, start, name_end, query.len());
    require_parameter(name, value, is_encoded, &mut names, &rule, report)
}

/// What parameters are judged by.
#[derive(Clone, Copy)]
struct Rule<'r> {
    endpoint: &'r Endpoint,
    limits: &'r RequestLimits,
    /// The names that the query of this POST may have, when there are such.
    posted: Option<&'r [String]>,
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no parameter".to_owned() } else { format!("only {}", names.join(", ")) }
}

/// Name and value of the parameter between two positions.
fn cut(query: &[u8], start: usize, name_end: Option<usize>, end: usize) -> (&[u8], &[u8]) {
    let between = |start: usize, end: usize| query.get(start..end).unwrap_or_default();
    match name_end {
        None => (between(start, end), &[]),
        Some(name_end) => (between(start, name_end), between(name_end.saturating_add(1), end)),
    }
}

/// Calls with each `&`, `=`, `%` and `+` and where it stands. Every query comes through here: 16 bytes
/// are looked at at a time, for which there are instructions in wasm too.
fn for_each_mark(
    query: &[u8],
    mut call: impl FnMut(usize, u8) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (chunks, rest) = query.as_chunks::<16>();
    let mut last = [0; 16];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    let mut start = 0_usize;
    for chunk in chunks.iter().chain([&last]) {
        let is_mark = |byte: u8| (byte == b'&') | (byte == b'=') | (byte == b'%') | (byte == b'+');
        // One bit in each byte that is one.
        let marks = u128::from_le_bytes(chunk.map(|byte| u8::from(is_mark(byte))));
        for (half, offset) in [(marks as u64, 0), ((marks >> 64) as u64, 8)] {
            let mut left = half;
            while left != 0 {
                let position =
                    start.saturating_add(offset).saturating_add(left.trailing_zeros() as usize / 8);
                left &= left.wrapping_sub(1);
                call(position, query.get(position).copied().unwrap_or_default())?;
            }
        }
        start = start.saturating_add(16);
    }
    Ok(())
}

/// The names that were there.
#[derive(Default)]
struct Names<'q> {
    count: usize,
    /// A bit for some of all names: one whose bit is not set was not there.
    bits: u64,
    first: [&'q [u8]; 16],
    more: Vec<&'q [u8]>,
}

impl<'q> Names<'q> {
    /// Whether the name was there.
    fn has(&self, name: &[u8]) -> bool {
        self.bits & Self::bit(name) != 0
            && self.first.iter().take(self.count).chain(&self.more).any(|other| *other == name)
    }

    fn add(&mut self, name: &'q [u8]) {
        match self.first.get_mut(self.count) {
            Some(place) => *place = name,
            None => self.more.push(name),
        }
        self.bits |= Self::bit(name);
        self.count = self.count.saturating_add(1);
    }

    fn bit(name: &[u8]) -> u64 {
        let ends = name.first().zip(name.last()).map_or(0, |(first, last)| first.wrapping_mul(5) ^ last);
        1_u64.rotate_left(u32::from(ends).wrapping_add(name.len() as u32))
    }
}

fn require_parameter<'q>(
    name: &'q [u8],
    value: &[u8],
    is_encoded: bool,
    names: &mut Names<'q>,
    rule: &Rule<'_>,
    report: &mut Report<'_>,
) -> Result<(), Refusal> {
    let Rule { endpoint, limits, posted } = *rule;
    let text = || core::str::from_utf8(name).unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::misbehaved("form.name.empty").at("query").expected("a parameter name"));
    }
    if is_encoded {
        return Err(Refusal::misbehaved("form.name.encoded").at(text()).expected("a literal parameter name"));
    }
    if names.has(name) {
        return Err(Refusal::misbehaved("form.duplicate").at(text()).expected("the parameter once"));
    }
    if names.count >= usize::from(limits.max_parameters).min(MAX_PARAMETERS) {
        return Err(Refusal::misbehaved("form.too-many")
            .at("query")
            .expected(&format!("{} parameters at most", limits.max_parameters)));
    }
    names.add(name);
    require_short(name, value, limits)?;
    if let Some(posted) = posted {
        if posted.iter().any(|known| known.as_bytes() == name) {
            return Ok(());
        }
        return Err(Refusal::misbehaved("endpoint.query.with-body")
            .at(text())
            .expected(&format!("in the query of a POST {}", list(posted))));
    }
    if !endpoint.ignores_other_parameters
        && !endpoint.query_parameters.iter().any(|known| known.as_bytes() == name)
    {
        report(
            Refusal::misbehaved("endpoint.parameter.unknown")
                .at(text())
                .expected(&endpoint.query_parameters.join(", ")),
        )?;
    }
    Ok(())
}

fn require_short(name: &[u8], value: &[u8], limits: &RequestLimits) -> Result<(), Refusal> {
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
        let at = core::str::from_utf8(name).unwrap_or_default();
        return too_long("endpoint.parameter.value-too-long", at, limits.max_parameter_value, value.len());
    }
    Ok(())
}
