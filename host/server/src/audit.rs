//! The audit log: one JSON object a line.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use postern_kernel::audit::{Audit, Event};
use postern_kernel::clock::{Clock, Timestamp};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::metrics::Metrics;

/// The audit log can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("audit log {path}: {error}")]
pub(crate) struct AuditError {
    path: PathBuf,
    error: io::Error,
}

/// Writes each event as one line with one call, so that lines of several processes don't mix.
pub(crate) struct AuditLog {
    to: Mutex<Box<dyn Write + Send>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl AuditLog {
    /// Appends to the file, which only its owner can read; `-` is standard output.
    pub(crate) fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, AuditError> {
        let to: Box<dyn Write + Send> = if path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
            Box::new(file.map_err(|error| AuditError { path: path.into(), error })?)
        };
        Ok(Self { to: Mutex::new(to), clock, metrics })
    }
}

impl Audit for AuditLog {
    fn record(&self, event: &Event<'_>) {
        self.metrics.event(event);
        let line = format!("{}\n", line(event, self.clock.now()));
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = to.write_all(line.as_bytes()).and_then(|()| to.flush()) {
            // The event is not lost: it goes where somebody looks after the disk is full.
            tracing::error!(%error, event = line.trim_end(), "audit log not written");
        }
    }
}

/// The members of a line, in this order.
#[derive(Serialize)]
struct Line<'e> {
    time: String,
    event: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relying_party: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<&'e str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<&'e str, &'e str>,
}

/// JSON escapes control characters; those that only look like line breaks, turn the direction of what
/// follows, or are not seen at all, are escaped as well.
fn line(event: &Event<'_>, now: Timestamp) -> String {
    let json = serde_json::to_string(&Line {
        time: rfc3339(now),
        event: event.name,
        module: event.module,
        relying_party: event.relying_party,
        subject: event.subject,
        correlation: event.correlation,
        fields: event.fields.iter().copied().collect(),
    })
    // Strings alone are always JSON.
    .unwrap_or_default();
    crate::log::escaped(&json)
}

/// Seconds since 1970 as `2026-11-22T02:27:34Z`.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    i64::try_from(time.0)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| time.0.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let event = Event {
            name: "request.refused",
            module: Some("saml2"),
            relying_party: None,
            subject: Some("s-1"),
            correlation: Some("c-1"),
            fields: &[("found", "a\nb\u{2028}\u{202e}\u{85}\u{200b}\"")],
        };
        let line = line(&event, Timestamp(1_700_000_000));
        assert!(line.starts_with("{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"request.refused\""));
        assert!(!line.chars().any(|character| character.is_control()));
        assert!(!line.contains(['\u{2028}', '\u{202e}', '\u{200b}']));
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["time"], "2023-11-14T22:13:20Z");
        assert_eq!(read["event"], "request.refused");
        assert_eq!(read["fields"]["found"], "a\nb\u{2028}\u{202e}\u{85}\u{200b}\"");
        assert!(read.get("relying_party").is_none());
    }

    #[test]
    fn the_file_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let clock = Arc::new(crate::system::SystemClock);
        let log = AuditLog::open(&path, clock, Arc::new(Metrics::new())).unwrap();
        let event = |name| Event {
            name,
            module: None,
            relying_party: None,
            subject: None,
            correlation: None,
            fields: &[],
        };
        log.record(&event("user.added"));
        log.record(&event("user.disabled"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
