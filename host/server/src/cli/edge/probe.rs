//! `postern edge probe`

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use postern_edge::EdgePolicy;
use postern_edge_probe::{Dial, Finding, Marks, Outcome, Report, Target, probe, roots_from_pem};
use postern_endpoint::Method;
use serde_json::Value;

use super::super::output::table;
use super::{Failure, load, say};

/// Where distributions keep the authorities that everybody trusts.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

#[derive(Args)]
#[command(after_help = "\
Examples:
  postern edge probe https://sso.example.com --policy postern-edge.toml
  postern edge probe https://sso.example.com --open /samlsso --ca web-ca.pem
  postern edge probe https://sso.example.com --resolve 192.0.2.7:443       an edge before its DNS
  postern edge probe https://sso.example.com --unmarked                    an Apache without filters

What counts as refused: an answer with the guards' mark (X-Correlation-Id, which its body repeats), the
proxy's own refusal, or a connection that it closes. Any other answer, a bare 404 or 401 too, may be the
LAN's, and counts as passed. With --unmarked the status alone decides.

No request names anybody who is registered. Each comes on a connection of its own; the proxy logs all.

Exit codes: 0 everything was refused, 1 something passed, 2 the edge can't be reached.")]
pub(crate) struct Probe {
    /// The edge's origin.
    #[arg(value_name = "URL")]
    url: String,
    /// Its policy: which paths take messages, forms and tokens.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A path that is open for GET, when there is no policy.
    #[arg(long, value_name = "PATH", conflicts_with = "policy", default_value = "/samlsso")]
    open: String,
    /// Authorities of the edge's certificate, PEM; those of the system by default.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Connect there, whatever the name resolves to.
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolve: Option<SocketAddr>,
    /// Seconds for each request.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// The edge runs no filters: go by the status of answers alone.
    #[arg(long)]
    unmarked: bool,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Probe {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (host, bare, port) = origin(&self.url)?;
        let policy = self.policy.as_deref().map(load).transpose()?.map(|built| built.policy);
        let target = target(policy.as_ref(), &self.open, host);
        let roots = roots_from_pem(&self.authorities()?).map_err(Failure::usage)?;
        let time = Duration::from_secs(self.timeout);
        let dial = Dial::new(&bare, port, self.resolve, roots, time).map_err(Failure::usage)?;
        let shows_progress = stderr().is_terminal() && !self.json;
        let report = probe(&dial, &target, self.unmarked, |finding, number, all| {
            if shows_progress {
                let _ = write!(stderr(), "\r{number}/{all} {:<40}", finding.entry);
            }
        });
        if shows_progress {
            let _ = write!(stderr(), "\r{:<60}\r", "");
        }
        let report = report.map_err(Failure::usage)?;
        self.tell(&report)?;
        let passed = report.passed().count();
        if passed == 0 {
            Ok(())
        } else {
            Err(Failure::new(format!("{passed} of {} passed", report.findings.len())))
        }
    }

    fn authorities(&self) -> Result<Vec<u8>, Failure> {
        let file = match &self.ca {
            Some(file) => file.clone(),
            None => SYSTEM
                .iter()
                .map(PathBuf::from)
                .find(|file| file.is_file())
                .ok_or_else(|| Failure::usage("this system has no certificates of authorities: --ca"))?,
        };
        fs::read(&file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
    }

    fn tell(&self, report: &Report) -> Result<(), Failure> {
        if self.json {
            say(serde_json::to_string_pretty(report).map_err(Failure::new)?);
            return Ok(());
        }
        let rows: Vec<Vec<String>> = report.findings.iter().map(row).collect();
        table(&["REQUEST", "ANSWER", "BY", "REFERENCE", "WHAT IT IS"], &rows);
        if report.marks == Marks::None {
            say("The edge's own answers can't be told from the LAN's: the status alone decided.");
        }
        Ok(())
    }
}

fn row(finding: &Finding) -> Vec<String> {
    let (answer, by, reference) = match &finding.outcome {
        Outcome::RefusedByGuard { status, reference } => (status.to_string(), "guard", reference.as_str()),
        Outcome::RefusedByProxy { status: Some(status) } => (status.to_string(), "proxy", ""),
        Outcome::RefusedByProxy { status: None } => ("closed".to_owned(), "proxy", ""),
        Outcome::RefusedByStatus { status } => (status.to_string(), "edge or LAN", ""),
        Outcome::Passed { status } => (status.to_string(), "PASSED", ""),
        Outcome::Silent => ("none".to_owned(), "PASSED?", ""),
        Outcome::Limited => ("429".to_owned(), "too many, not judged", ""),
    };
    [finding.entry.as_str(), &answer, by, reference, finding.why].map(str::to_owned).into()
}

/// Host header, host without port, and port of an https origin.
fn origin(url: &str) -> Result<(String, String, u16), Failure> {
    let wrong = || Failure::usage(format!("{url}: must be an origin such as https://sso.example.com"));
    let host = url.strip_prefix("https://").ok_or_else(wrong)?;
    let host = host.strip_suffix('/').unwrap_or(host);
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        return Err(wrong());
    }
    match host.rsplit_once(':') {
        Some((bare, port)) if !port.contains(']') => {
            Ok((host.to_owned(), bare.to_owned(), port.parse().map_err(|_| wrong())?))
        }
        _ => Ok((host.to_owned(), host.to_owned(), 443)),
    }
}

/// What the policy opens.
fn target(policy: Option<&EdgePolicy>, open: &str, host: String) -> Target {
    let Some(policy) = policy else {
        return Target {
            host,
            open: open.into(),
            form: None,
            saml: None,
            artifacts: None,
            consumer: None,
            wsfed: None,
            takes_unverified_results: false,
            token: None,
            takes_any_parameter: false,
        };
    };
    let member = |guard: &Option<postern_edge::Guard>, pointer: &str| {
        let value = guard.as_ref()?.configuration.pointer(pointer).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let saml = member(&policy.saml_decoder, "/paths/0");
    let takes_unverified_results = policy.saml_decoder.as_ref().is_some_and(|guard| {
        let accepted = guard.configuration.pointer("/wsfed/policy/accepts_results");
        accepted.and_then(Value::as_bool) == Some(true) && guard.configuration.get("wsfed_tokens").is_none()
    });
    let token = member(&policy.token_validator, "/routes/0/match/exact");
    // One that takes declared parameters only, if there is one: more can be wrong with a request.
    let gets = || policy.endpoints.iter().filter(|endpoint| endpoint.methods.contains(&Method::Get));
    let open = gets()
        .find(|endpoint| Some(&endpoint.path) == saml.as_ref())
        .or_else(|| gets().find(|endpoint| !endpoint.ignores_other_parameters))
        .or_else(|| gets().next());
    let form = policy.endpoints.iter().find(|endpoint| {
        endpoint.methods == [Method::Post]
            && endpoint.content_types.iter().any(|name| name == "application/x-www-form-urlencoded")
    });
    Target {
        host,
        takes_any_parameter: open.is_some_and(|endpoint| endpoint.ignores_other_parameters),
        open: open.map(|endpoint| endpoint.path.clone()).unwrap_or_default(),
        form: form.map(|endpoint| endpoint.path.clone()),
        artifacts: member(&policy.saml_decoder, "/artifact_resolution/paths/0"),
        consumer: member(&policy.saml_decoder, "/assertion_consumers/0/paths/0"),
        wsfed: member(&policy.saml_decoder, "/wsfed/paths/0"),
        takes_unverified_results,
        saml,
        token,
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_is_https_and_nothing_more() {
        assert_eq!(origin("https://a.example").unwrap(), ("a.example".into(), "a.example".into(), 443));
        assert_eq!(
            origin("https://a.example:8443/").unwrap(),
            ("a.example:8443".into(), "a.example".into(), 8443)
        );
        assert_eq!(origin("https://[::1]").unwrap().1, "[::1]");
        for wrong in ["http://a", "a", "https://", "https://a/b", "https://a:x", "https://u@a"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
