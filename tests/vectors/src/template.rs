//! Placeholders: `{{…}}`.
use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::keys::Keys;
use crate::steps::{self, Step};

/// Parts may be nested this deep: more is a cycle.
const MAX_DEPTH: u32 = 32;

/// Whether a placeholder of this name has a meaning of its own.
pub(crate) fn is_reserved(name: &str) -> bool {
    ["now", "now-with-milliseconds", "unix", "id", "base-url", "host"].contains(&name)
        || ["now+", "now-", "unix+", "unix-"].iter().any(|prefix| name.starts_with(prefix))
        || name.contains(':')
}

/// What placeholders stand for while one vector, or the registry, is made.
pub(crate) struct Values<'a> {
    pub(crate) keys: &'a Keys,
    /// The vector, for messages.
    subject: &'a str,
    now: u64,
    base_url: &'a str,
    seed: u64,
    parts: &'a BTreeMap<String, Vec<Step>>,
    depth: u32,
}

impl<'a> Values<'a> {
    pub(crate) fn new(
        subject: &'a str,
        keys: &'a Keys,
        now: u64,
        base_url: &'a str,
        seed: u64,
        parts: &'a BTreeMap<String, Vec<Step>>,
    ) -> Self {
        Self { keys, subject, now, base_url, seed, parts, depth: 0 }
    }

    /// The text with every placeholder replaced.
    pub(crate) fn expand(&self, text: &str) -> Vec<u8> {
        let mut expanded = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            expanded.extend_from_slice(before.as_bytes());
            let Some((name, after)) = after.split_once("}}") else {
                self.fail(&format!("a placeholder without end: {after}"));
            };
            expanded.extend_from_slice(&self.value(name));
            rest = after;
        }
        expanded.extend_from_slice(rest.as_bytes());
        expanded
    }

    /// The same as text.
    pub(crate) fn expand_text(&self, text: &str) -> String {
        String::from_utf8(self.expand(text)).unwrap_or_else(|_| self.fail("text was expected, bytes came"))
    }

    pub(crate) fn fail(&self, problem: &str) -> ! {
        panic!("{}: {problem}", self.subject)
    }

    fn value(&self, name: &str) -> Vec<u8> {
        if let Some(steps) = self.parts.get(name) {
            if self.depth >= MAX_DEPTH {
                self.fail(&format!("the part {name} needs itself"));
            }
            return steps::run(steps, &Self { depth: self.depth + 1, ..*self });
        }
        let (kind, argument) = name.split_once(':').map_or((name, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, argument) {
            ("base-url", None) => self.base_url.into(),
            ("host", None) => self.base_url.split_once("://").map_or(self.base_url, |(_, host)| host).into(),
            ("now-with-milliseconds", None) => self.time("now").replace('Z', ".000Z").into(),
            ("id", name) => self.identifier(name.unwrap_or_default()).into(),
            ("certificate", Some(key)) => STANDARD.encode(self.key(key).certificate()).into(),
            ("spki", Some(key)) => STANDARD.encode(self.key(key).spki()).into(),
            ("pem", Some(key)) => self.key(key).pem().into(),
            ("jwk", Some(key)) => self.key(key).jwk().into(),
            ("thumbprint", Some(key)) => self.key(key).thumbprint().into(),
            ("basic", Some(credentials)) => STANDARD.encode(credentials).into(),
            (time, None) => self.time(time).into(),
            _ => self.fail(&format!("unknown placeholder {{{{{name}}}}}")),
        }
    }

    fn key(&self, name: &str) -> &crate::keys::Key {
        self.keys.get(name).unwrap_or_else(|| self.fail(&format!("unknown key {name}")))
    }

    fn identifier(&self, name: &str) -> String {
        let source = format!("{} {} {name}", self.subject, self.seed);
        format!("_{}", hex::encode(&digest(&SHA256, source.as_bytes()).as_ref()[..16]))
    }

    fn time(&self, name: &str) -> String {
        let unknown = || -> String { self.fail(&format!("unknown placeholder {{{{{name}}}}}")) };
        let (word, offset) = name.find(['+', '-']).map_or((name, "+0"), |sign| name.split_at(sign));
        let Ok(offset) = offset.parse::<i64>() else { return unknown() };
        let Some(seconds) = self.now.checked_add_signed(offset) else { return unknown() };
        match word {
            "unix" => seconds.to_string(),
            "now" => i64::try_from(seconds)
                .ok()
                .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
                .and_then(|instant| instant.format(&Rfc3339).ok())
                .unwrap_or_else(unknown),
            _ => unknown(),
        }
    }
}
