//! Somebody who was sent elsewhere is back, as the host takes them: `/commonauth/return/NAME`.

use postern_form::Form;
use postern_kernel::authenticator::{Event, Returned};

/// The parameter `state` of every redirect here.
pub(super) const STATE: &str = "transaction.state";

/// From a query, or from the whole address that they came by.
///
/// # Errors
/// Why the host would let nobody through with it.
pub(super) fn returned(typed: &str) -> Result<Event, String> {
    let query = typed.split_once('?').map_or(typed, |(_, query)| query).trim();
    let form = Form::parse(query.as_bytes()).and_then(Form::without_duplicates);
    let form = form.map_err(|refusal| refusal.to_string())?;
    let value = |name| form.single(name).ok().flatten().map(|parameter| parameter.value.as_str());
    match (value("state"), value("RelayState")) {
        (Some(STATE), None) | (None, Some(STATE)) => Ok(Event::Returned(Returned(query.into()))),
        (Some(_), Some(_)) => Err("server.return.state-twice: state or RelayState, not both".into()),
        (None, None) => Err(format!("server.return.state-absent: comes back without state={STATE}")),
        _ => Err(format!("sign-on.return.unknown: comes back with another state than {STATE}")),
    }
}

/// A script's query, whose `{NAME}` is the parameter of that name in the address that the person was sent to, as
/// it is encoded there.
///
/// # Errors
/// The address has no such parameter.
pub(super) fn filled(query: &str, sent_to: &str) -> Result<String, String> {
    let (_, parameters) = sent_to.split_once('?').unwrap_or_default();
    let mut filled = String::new();
    let mut rest = query;
    while let Some((before, placed)) = rest.split_once('{') {
        let (name, after) = placed.split_once('}').ok_or("returned has a { without a }")?;
        let pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.into_iter().find(|(known, _)| *known == name);
        let (_, value) = found.ok_or_else(|| format!("the address has no parameter {name:?}"))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_takes_parameters_from_the_address() {
        let sent_to = "https://login.example.org/in?state=a.b&nonce=x%20y&empty=";
        let filled = |query| filled(query, sent_to);
        assert_eq!(filled("state={state}&ticket=1.{nonce}{empty}").unwrap(), "state=a.b&ticket=1.x%20y");
        assert_eq!(filled("state=a").unwrap(), "state=a");
        assert!(filled("{code}").is_err() && filled("{state").is_err());
        assert!(super::filled("{state}", "https://login.example.org/in").is_err());
    }

    #[test]
    fn nobody_comes_back_whom_the_host_would_not_know() {
        for (typed, query) in [
            ("code=x&state=transaction.state", "code=x&state=transaction.state"),
            (
                "RelayState=transaction.state&SAMLResponse=eA%3D%3D",
                "RelayState=transaction.state&SAMLResponse=eA%3D%3D",
            ),
            (
                "https://sso.example.com/commonauth/return/x?state=transaction.state&a=b?c\n",
                "state=transaction.state&a=b?c",
            ),
        ] {
            assert!(
                matches!(returned(typed), Ok(Event::Returned(Returned(found))) if found == query),
                "{typed}"
            );
        }
        for (typed, code) in [
            ("", "server.return.state-absent"),
            ("code=x", "server.return.state-absent"),
            ("state=other", "sign-on.return.unknown"),
            ("state=transaction.state&RelayState=transaction.state", "server.return.state-twice"),
            ("state=transaction.state&state=transaction.state", "form.duplicate"),
            ("state=transaction.state&a=%zz", "form.escape.broken"),
        ] {
            let problem = returned(typed).err().unwrap_or_default();
            assert!(problem.contains(code), "{typed}: {problem}");
        }
    }
}
