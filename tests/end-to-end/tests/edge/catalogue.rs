//! Every vector of the endpoint rule, through exactly the generated configuration.
use postern_end_to_end::proxy::Kind;
use postern_end_to_end::wire;
use postern_vectors::{Face, Keys, Verdict, load_rule};

use crate::world::{Edge, is_correlation_id};

/// As many vectors as nginx may refuse by itself, before any filter sees them: request lines and
/// headers that it can't read.
const REFUSED_BY_NGINX: usize = 30;

#[test]
fn the_endpoint_catalogue_is_refused_and_nothing_reaches_the_lan() {
    let edge = Edge::start();
    let (mut wrong, mut by_nginx, mut judged) = (Vec::new(), Vec::new(), 0);
    for vector in load_rule("endpoint") {
        if vector.exempt(Face::Filter).is_some() {
            continue;
        }
        judged += 1;
        let requests = vector.materialise(Keys::shared(), 0, &edge.origin.base_url(), 0);
        let request = requests.last().expect("a request");
        let (answer, log, reached) = edge.exchange(&wire::request(request, &edge.origin.authority()));
        let reason = log["reason"].as_str().unwrap_or_default().to_owned();
        // The proxy drops headers with an underscore before the filter sees them.
        let underscored = request.headers.iter().any(|(name, _)| name.contains('_'));
        let is_clean = |name: &str| !name.contains('_');
        if underscored
            && reached.iter().all(|message| message.headers().iter().all(|(name, _)| is_clean(name)))
        {
            continue;
        }
        let found = match &vector.verdict {
            Verdict::Accept if reached.len() == 1 && answer.status == 200 => {
                let line = reached[0].start_line();
                let target = line.split(' ').nth(1).unwrap_or_default().as_bytes();
                if target == request.target { continue } else { format!("the LAN saw {line}") }
            }
            Verdict::Refuse { code, status }
                if reached.is_empty() && answer.status == *status && reason == *code =>
            {
                let id = answer.header("x-correlation-id").unwrap_or_default();
                assert!(is_correlation_id(edge.kind, id), "{}", vector.name);
                assert_eq!(log["correlation_id"], id, "{}", vector.name);
                continue;
            }
            Verdict::Refuse { .. }
                if edge.kind == Kind::Nginx
                    && reached.is_empty()
                    && reason.starts_with("nginx.request.")
                    && (400..500).contains(&answer.status) =>
            {
                by_nginx.push(format!("{}: {}", vector.name, answer.status));
                continue;
            }
            _ => format!("{} {reason}, {} reached the LAN", answer.status, reached.len()),
        };
        wrong.push(format!("{}: expected {:?}, found {found}", vector.name, vector.verdict));
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), edge.proxy.log());
    assert!(judged > 50, "{judged}");
    assert!(by_nginx.len() <= REFUSED_BY_NGINX, "{}", by_nginx.join("\n"));
}
