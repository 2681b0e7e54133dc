use postern_proxy::host::{self, Failed};
use postern_refusal::Refusal;
use postern_saml::{JudgedAuthnRequest, ReplayTable};

/// How often a bucket is tried that other workers write to at the same time.
const TRIES: usize = 8;
/// No version of an existing value: the host then writes only if there is none.
const ABSENT: u32 = u32::MAX;

/// Remembers the request among all workers, or refuses it when it was remembered.
pub(crate) fn check_replay(
    table: &ReplayTable,
    request: &JudgedAuthnRequest,
    now: u64,
) -> Result<(), Refusal> {
    let unavailable = |found: &str| {
        Refusal::internal("saml.replay.unavailable")
            .with_status(503)
            .expected("shared data that can be written")
            .found(found)
    };
    let entry = table.entry(request);
    for _ in 0..TRIES {
        let (bucket, version) = match host::shared(&entry.bucket) {
            Ok(found) => found.unwrap_or((Vec::new(), ABSENT)),
            Err(failed) => return Err(unavailable(&failed.to_string())),
        };
        let Some(bucket) = entry.remember(&bucket, now) else { return Err(request.replayed()) };
        match host::set_shared(&entry.bucket, &bucket, Some(version)) {
            Ok(()) => return Ok(()),
            Err(Failed::STALE) => {}
            Err(failed) => return Err(unavailable(&failed.to_string())),
        }
    }
    Err(unavailable("other workers were faster each time"))
}
