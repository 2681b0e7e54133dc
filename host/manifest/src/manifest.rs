//! `postern.toml` of an authenticator: who it is and what it asks for.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Largest manifest: 8 KiB.
pub const MAX_MANIFEST: usize = 8 << 10;
/// Hosts that one authenticator may ask for.
const HOSTS: usize = 16;
/// Claims that one authenticator may ask for, and bytes of a name.
const CLAIMS: usize = 16;
const CLAIM: usize = 64;

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name that `describe` says, and the file's: lower-case letters, digits and hyphens, 32 at most.
    pub id: String,
    /// The version that `describe` says.
    pub version: String,
    /// What it asks for.
    #[serde(default)]
    pub capabilities: Asked,
}

/// What an authenticator asks for. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// To have passwords compared with those of the directory.
    pub accounts: bool,
    /// To keep records about people.
    pub credentials: bool,
    /// To send messages to people.
    pub messages: bool,
    /// To sign and decrypt by keys of its own, which the kernel keeps.
    pub own_keys: bool,
    /// To have Kerberos tickets judged.
    pub kerberos: bool,
    /// To read these claims of people, by their names in the user store.
    pub directory: Vec<String>,
    /// To call these hosts: lower-case names, each with `:port` when it is not 443.
    pub outbound: Vec<String>,
}

/// Why a manifest is refused. All of these are the author's to put right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than [`MAX_MANIFEST`].
    #[error("authenticator.manifest.too-large: {0} bytes, {MAX_MANIFEST} at most")]
    TooLarge(usize),
    /// Not UTF-8, not TOML, or with fields that there are not.
    #[error("authenticator.manifest.malformed: {0}")]
    Malformed(String),
    /// A value that can't be.
    #[error("authenticator.manifest.value: {0}")]
    Value(String),
    /// The file is no WebAssembly, or its sections do not end where they say.
    #[error("authenticator.manifest.no-component: {0}")]
    NoComponent(&'static str),
    /// It carries more than one manifest.
    #[error("authenticator.manifest.twice: a component has one manifest")]
    Twice,
}

impl ManifestError {
    /// The reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "authenticator.manifest.too-large",
            Self::Malformed(_) => "authenticator.manifest.malformed",
            Self::Value(_) => "authenticator.manifest.value",
            Self::NoComponent(_) => "authenticator.manifest.no-component",
            Self::Twice => "authenticator.manifest.twice",
        }
    }
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError`] when it is too large, not TOML, has an unknown field, or a value that can't be.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        let malformed =
            |error: &dyn std::fmt::Display| ManifestError::Malformed(one_line(&error.to_string()));
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error))?;
        let manifest: Self = toml::from_str(text).map_err(|error| malformed(&error))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let refused = |what: &str| Err(ManifestError::Value(what.into()));
        let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if self.id.is_empty() || self.id.len() > 32 || !self.id.bytes().all(is_name) {
            return refused("id: lower-case letters, digits and hyphens, 32 at most");
        }
        let is_version = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
        if self.version.is_empty() || self.version.len() > 32 || !self.version.bytes().all(is_version) {
            return refused("version: such as 1.2.0, 32 characters at most");
        }
        let hosts = &self.capabilities.outbound;
        if hosts.len() > HOSTS || hosts.iter().collect::<BTreeSet<_>>().len() != hosts.len() {
            return refused("capabilities.outbound: 16 at most, each once");
        }
        if !hosts.iter().all(|host| is_host(host)) {
            return refused("capabilities.outbound: lower-case host names, such as \"api.example.com\"");
        }
        let claims = &self.capabilities.directory;
        if claims.len() > CLAIMS || claims.iter().collect::<BTreeSet<_>>().len() != claims.len() {
            return refused("capabilities.directory: 16 at most, each once");
        }
        let is_claim = |name: &String| {
            (1..=CLAIM).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !claims.iter().all(is_claim) {
            return refused("capabilities.directory: names of claims, such as \"email\"");
        }
        Ok(())
    }
}

/// Whether it is a host name in lower case (RFC 1123 section 2.1), with a port when it is not 443.
fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| {
        port.parse::<u16>().is_ok_and(|number| number != 0 && number != 443 && number.to_string() == port)
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    host.len() <= 253 && host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Errors of the TOML reader draw the line with a pointer; a log has one line.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "|").collect();
    words.join(" ").chars().filter(|character| !character.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "id = \"badge-lookup\"\nversion = \"1.0.0\"\n[capabilities]\ncredentials = true\n\
                        outbound = [\"api.example.com\", \"127.0.0.1:8443\"]\n\
                        directory = [\"email\", \"urn:x:level\"]\n";

    #[test]
    fn a_manifest_is_read() {
        let manifest = Manifest::read(GOOD.as_bytes()).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.version.as_str()), ("badge-lookup", "1.0.0"));
        let asked = manifest.capabilities;
        assert!(asked.credentials && !asked.accounts && !asked.messages);
        assert_eq!(asked.outbound, ["api.example.com", "127.0.0.1:8443"]);
        assert_eq!(asked.directory, ["email", "urn:x:level"]);
        let short = Manifest::read(b"id = \"a\"\nversion = \"1\"\n").unwrap();
        assert_eq!(short.capabilities, Asked::default());
    }

    /// Each with the code that it is refused with.
    #[test]
    fn hostile_manifests_are_refused() {
        let with = |from: &str, to: &str| GOOD.replace(from, to);
        let hosts: Vec<String> = (0..17).map(|number| format!("\"h{number}\"")).collect();
        for (text, code) in [
            (String::new(), "malformed"),
            ("id = \"a\"".into(), "malformed"),
            (with("credentials = true", "credentials = 1"), "malformed"),
            (with("credentials = true", "files = true"), "malformed"),
            (with("[capabilities]", "[capabilities.more]"), "malformed"),
            (format!("{GOOD}[settings]\n"), "malformed"),
            (format!("{GOOD}credentials = false\n"), "malformed"),
            ("a=[".repeat(2_000), "malformed"),
            (with("badge-lookup", "../badge"), "value"),
            (with("badge-lookup", "Badge"), "value"),
            (with("badge-lookup", ""), "value"),
            (with("badge-lookup", &"a".repeat(33)), "value"),
            (with("\"1.0.0\"", "\"1.0\\n\""), "value"),
            (with("api.example.com", "*.example.com"), "value"),
            (with("api.example.com", "API.example.com"), "value"),
            (with("api.example.com", "https://api.example.com"), "value"),
            (with("api.example.com", "api.example.com:443"), "value"),
            (with("api.example.com", "api.example.com:08443"), "value"),
            (with("api.example.com", "api..example.com"), "value"),
            (with("api.example.com", "-api.example.com"), "value"),
            (with("api.example.com", "api.example.com\\u0000"), "value"),
            (with("api.example.com", ""), "value"),
            (with("api.example.com", "127.0.0.1:8443"), "value"),
            (with("\"api.example.com\"", &hosts.join(",")), "value"),
            (with("urn:x:level", "email"), "value"),
            (with("urn:x:level", ""), "value"),
            (with("urn:x:level", "a b"), "value"),
            (with("urn:x:level", "a\\n"), "value"),
            (with("urn:x:level", &"a".repeat(65)), "value"),
            (with("\"urn:x:level\"", &hosts.join(",")), "value"),
            (with("directory = [\"email\", \"urn:x:level\"]", "directory = true"), "malformed"),
            (" ".repeat(MAX_MANIFEST + 1), "too-large"),
        ] {
            let error = Manifest::read(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), format!("authenticator.manifest.{code}"), "{text}");
            assert!(
                error.to_string().starts_with(error.code()) && !error.to_string().contains('\n'),
                "{error}"
            );
        }
        assert_eq!(Manifest::read(b"id = \"\xff\"").unwrap_err().code(), "authenticator.manifest.malformed");
    }
}
