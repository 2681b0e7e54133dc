//! `postern edge explain`

use std::fs;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use postern_edge::explain::{RawRequest, Surroundings, Verdict, explain};
use postern_keys::NativeVerifier;

use super::{Failure, load, now, say};

/// Longest request that is read, in bytes.
const MAX_REQUEST: u64 = 4 << 20;

#[derive(Args)]
#[command(after_help = "\
Examples:
  postern edge explain 'GET /samlsso?SAMLRequest=fZJNT...'
  postern edge explain 'GET https://sso.example.com/oauth2/authorize?client_id=x' --json
  postern edge explain --file request.txt          a whole HTTP/1.1 request, with headers and body
  pbpaste | postern edge explain --file -

Messages are judged at this moment: an old one is refused for its age. What was seen before is not
known here, so that no replay is told.

Exit codes: 0 it passes, 3 it is refused or left open, 2 policy or request can't be read.")]
pub(crate) struct Explain {
    /// Method and target, as in a request line.
    #[arg(value_name = "REQUEST", required_unless_present = "file", conflicts_with = "file")]
    request: Option<String>,
    /// A file with the whole request, or `-` for standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The policy.
    #[arg(long, value_name = "FILE", default_value = "postern-edge.toml")]
    policy: PathBuf,
    /// The token issuer's published keys (a JWK Set), to judge tokens as well.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The client's address, for the rules of [clients].
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> Result<(), Failure> {
        let built = load(&self.policy)?;
        let text = self.text()?;
        let keys = match &self.keys {
            Some(file) => {
                Some(fs::read(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?)
            }
            None => None,
        };
        let host = built.policy.hosts.first().map(String::as_str).unwrap_or_default();
        let request = RawRequest::read(&text, host).map_err(Failure::usage)?;
        let surroundings = Surroundings {
            now: now(),
            verifier: &NativeVerifier,
            client: self.client,
            keys: keys.as_deref(),
        };
        let explanation = explain(&built.policy, &request, &surroundings);
        if self.json {
            say(serde_json::to_string_pretty(&explanation).map_err(Failure::new)?);
        } else {
            say(&explanation);
        }
        match explanation.verdict {
            Verdict::Passes => Ok(()),
            Verdict::Refused | Verdict::Open => Err(Failure::quiet(3)),
        }
    }

    fn text(&self) -> Result<Vec<u8>, Failure> {
        let Some(file) = &self.file else {
            return Ok(self.request.clone().unwrap_or_default().into_bytes());
        };
        let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", file.display()));
        let mut text = Vec::new();
        if file.as_os_str() == "-" {
            std::io::stdin().take(MAX_REQUEST).read_to_end(&mut text).map_err(wrong)?;
        } else {
            fs::File::open(file).map_err(wrong)?.take(MAX_REQUEST).read_to_end(&mut text).map_err(wrong)?;
        }
        Ok(text)
    }
}
