//! Relying-party toolkits, each in a script that takes one command.
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::tools;

/// A toolkit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolkit {
    /// pysaml2.
    Pysaml2,
    /// pysaml2 as an identity provider.
    Pysaml2Idp,
    /// @node-saml/node-saml.
    NodeSaml,
    /// openid-client.
    OpenidClient,
}

impl Toolkit {
    /// Has the toolkit do the command in `input.command`; it trusts the web authority (PEM file).
    ///
    /// # Errors
    /// What the toolkit turned down.
    ///
    /// # Panics
    /// When the toolkit is missing or its script broken.
    pub fn call(self, input: &Value, authority: &Path) -> Result<Value, String> {
        let mut child = self
            .command()
            .env("NODE_EXTRA_CA_CERTS", authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(input.to_string().as_bytes()).expect("the script reads its input");
        drop(pipe);
        let output = child.wait_with_output().expect("the script ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {}\n{errors}", output.status);
        let answer: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{self:?}: {error}: {}", String::from_utf8_lossy(&output.stdout)));
        match answer.get("refused") {
            Some(refused) => Err(refused.as_str().unwrap_or_default().to_owned()),
            None => Ok(answer),
        }
    }

    fn command(self) -> Command {
        let (program, script) = match self {
            Self::Pysaml2 => (tools::python(), "pysaml2_sp.py"),
            Self::Pysaml2Idp => (tools::python(), "pysaml2_idp.py"),
            Self::NodeSaml => (tools::node(), "node-saml.js"),
            Self::OpenidClient => (tools::node(), "openid-client.js"),
        };
        let mut command = Command::new(program);
        command.arg(folder().join(script)).current_dir(folder());
        command
    }
}

fn folder() -> PathBuf {
    tools::workspace().join("tests/end-to-end/relying-parties")
}
