//! The file format, and what a vector becomes.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::keys::Keys;
use crate::steps::Step;
use crate::template::Values;

/// One request and the verdict on it.
#[derive(Clone, Debug)]
pub struct Vector {
    /// `reject/saml/replayed-id`: the file without its extension.
    pub name: String,
    /// What the vector shows, one sentence.
    pub why: String,
    /// Whose verdict it is, such as `saml`: see the table in `README.md`.
    pub rule: String,
    /// The kind of attack, of a vector that is refused: a name in `classes.json`.
    pub class: Option<String>,
    /// The software that sent the request, with version, binding and signature; none when it was
    /// written by hand. `pysaml2 7.5.4, Redirect, RSA-SHA256`.
    pub from: Option<String>,
    /// What every face that can judge it has to say.
    pub verdict: Verdict,
    /// How often the request is sent; the verdict is on the last one.
    pub times: u32,
    exempt: BTreeMap<Face, String>,
    build: BTreeMap<String, Vec<Step>>,
    request: RequestTemplate,
    introspection: Option<ReplyTemplate>,
}

/// What is to come of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is let through.
    Accept,
    /// It is refused.
    Refuse {
        /// The reason code.
        code: String,
        /// The HTTP status of the refusal.
        status: u16,
    },
}

/// A verdict as it stands in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum WrittenVerdict {
    Accept(Accept),
    Refuse(Refuse),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Accept {
    Accept,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    refuse: String,
    status: u16,
}

impl From<WrittenVerdict> for Verdict {
    fn from(written: WrittenVerdict) -> Self {
        match written {
            WrittenVerdict::Accept(Accept::Accept) => Self::Accept,
            WrittenVerdict::Refuse(Refuse { refuse, status }) => Self::Refuse { code: refuse, status },
        }
    }
}

/// Who judges.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Face {
    /// The rule's crate, called directly.
    Native,
    /// The component in the sandbox, or the host's router.
    Component,
    /// The proxy-wasm filter in Envoy.
    Filter,
}

/// A request as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, or whatever else the vector sends.
    pub method: String,
    /// The request target, byte for byte.
    pub target: Vec<u8>,
    /// Headers in order, without `host` and `content-length` unless the vector is about them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, empty when there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, in any case, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The target before the question mark, as text.
    pub fn path(&self) -> &str {
        self.target_parts().0
    }

    /// The target after the question mark, as text; empty when there is none.
    pub fn query(&self) -> &str {
        self.target_parts().1
    }

    fn target_parts(&self) -> (&str, &str) {
        let target = std::str::from_utf8(&self.target).unwrap_or_default();
        target.split_once('?').unwrap_or((target, ""))
    }
}

/// What the issuer says when it is asked about the request's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers in order, without `content-length`.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    why: String,
    rule: String,
    class: Option<String>,
    from: Option<String>,
    #[serde(default)]
    build: BTreeMap<String, Vec<Step>>,
    request: RequestTemplate,
    introspection: Option<ReplyTemplate>,
    #[serde(default = "once")]
    times: u32,
    verdict: WrittenVerdict,
    #[serde(default)]
    faces: BTreeMap<Face, String>,
}

fn once() -> u32 {
    1
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestTemplate {
    method: String,
    target: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyTemplate {
    #[serde(default = "ok")]
    status: u16,
    /// Default: `content-type: application/json`.
    headers: Option<Vec<(String, String)>>,
    body: String,
}

fn ok() -> u16 {
    200
}

impl Vector {
    /// Why that face can't judge this vector; none when it has to.
    pub fn exempt(&self, face: Face) -> Option<&str> {
        self.exempt.get(&face).map(String::as_str)
    }

    /// The area: `endpoint`, `saml`, `oidc`, `token`, `passkey`.
    pub fn area(&self) -> &str {
        self.name.split('/').nth(1).unwrap_or_default()
    }

    /// The requests to send in order: `times` copies of one. The verdict is on the last.
    ///
    /// `now` is in seconds since 1970, `base_url` the public origin without trailing slash.
    /// The same `seed` gives the same identifiers.
    ///
    /// # Panics
    /// When a placeholder, part or key is unknown, or a step can't be done.
    pub fn materialise(&self, keys: &Keys, now: u64, base_url: &str, seed: u64) -> Vec<Request> {
        let values = Values::new(&self.name, keys, now, base_url, seed, &self.build);
        let request = Request {
            method: self.request.method.clone(),
            target: values.expand(&self.request.target),
            headers: self
                .request
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), values.expand(value)))
                .collect(),
            body: values.expand(&self.request.body),
        };
        vec![request; self.times as usize]
    }

    /// What the issuer answers about the token of [`Self::materialise`], with the same arguments; none
    /// where no issuer is asked.
    ///
    /// # Panics
    /// As [`Self::materialise`].
    pub fn reply(&self, keys: &Keys, now: u64, base_url: &str, seed: u64) -> Option<Reply> {
        let reply = self.introspection.as_ref()?;
        let values = Values::new(&self.name, keys, now, base_url, seed, &self.build);
        let json = || vec![("content-type".to_owned(), "application/json".to_owned())];
        let headers = reply.headers.clone().unwrap_or_else(json);
        Some(Reply {
            status: reply.status,
            headers: headers.into_iter().map(|(name, value)| (name, values.expand(&value))).collect(),
            body: values.expand(&reply.body),
        })
    }

    fn read(root: &Path, path: &Path) -> Result<Self, String> {
        let name = path.with_extension("").strip_prefix(root).map_err(|error| error.to_string())?.to_owned();
        let name = name.to_string_lossy().into_owned();
        let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(name, &text)
    }

    /// The vector in the text of a file of that name.
    pub(crate) fn parse(name: String, text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let verdict = Verdict::from(file.verdict);
        let accepts = verdict == Verdict::Accept;
        if name.starts_with("accept/") != accepts {
            return Err(format!("{name}: the verdict contradicts the folder"));
        }
        if file.times == 0 {
            return Err(format!("{name}: times is 0"));
        }
        if let Some(reserved) = file.build.keys().find(|part| crate::template::is_reserved(part)) {
            return Err(format!("{name}: the part's name {reserved} is a placeholder of its own"));
        }
        Ok(Self {
            name,
            why: file.why,
            rule: file.rule,
            class: file.class,
            from: file.from,
            verdict,
            times: file.times,
            exempt: file.faces,
            build: file.build,
            request: file.request,
            introspection: file.introspection,
        })
    }
}

/// Every vector, by name.
///
/// # Panics
/// When a file is not a vector: with all problems of all files.
pub fn load_all() -> Vec<Vector> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["accept", "reject"] {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    let (vectors, problems): (Vec<_>, Vec<_>) =
        paths.iter().map(|path| Vector::read(root, path)).partition(Result::is_ok);
    let problems: Vec<_> = problems.into_iter().filter_map(Result::err).collect();
    assert!(problems.is_empty(), "vectors that can't be read:\n{}", problems.join("\n"));
    vectors.into_iter().flatten().collect()
}

/// The vectors of one rule.
///
/// # Panics
/// As [`load_all`], and when the rule has none.
pub fn load_rule(rule: &str) -> Vec<Vector> {
    let vectors: Vec<_> = load_all().into_iter().filter(|vector| vector.rule == rule).collect();
    assert!(!vectors.is_empty(), "no vector of the rule {rule}");
    vectors
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
}
