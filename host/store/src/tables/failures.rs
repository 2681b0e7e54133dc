//! Failures that throttle.

use postern_kernel::clock::Timestamp;
use postern_kernel::throttle::{Admission, Limit, Throttle};
use rusqlite::{Connection, params};

use crate::statement::{seconds, statement, timestamp};

const COUNT: &str = "INSERT INTO failures (key, at, count, expires_at) VALUES (?1, ?2, 1, ?3)
     ON CONFLICT (key, at) DO UPDATE SET
         count = count + 1, expires_at = max(expires_at, excluded.expires_at)";
const WITHIN: &str = "SELECT coalesce(sum(count), 0), max(at) FROM failures
     WHERE key = ?1 AND at > ?2 AND count > 0";
const TAKE_BACK: &str = "UPDATE failures SET count = count - 1 WHERE key = ?1 AND at = ?2 AND count > 0";
const CLEAR: &str = "DELETE FROM failures WHERE key = ?1";

/// Judges and counts in one transaction of the one writer: no try slips in between.
pub(crate) fn admit(
    connection: &Connection,
    limits: &[Limit],
    throttle: Throttle,
    now: Timestamp,
) -> rusqlite::Result<Admission> {
    let mut wait = 0;
    for limit in limits {
        let (count, last) = within(connection, &limit.key, now, throttle.window)?;
        wait = wait.max(throttle.wait(count, limit.failures, last, now));
    }
    if wait > 0 {
        return Ok(Admission::Wait(u32::try_from(wait).unwrap_or(u32::MAX)));
    }
    for limit in limits {
        let until = seconds(now.plus(throttle.window));
        statement(connection, COUNT)?.execute(params![limit.key, seconds(now), until])?;
    }
    Ok(Admission::Granted)
}

pub(crate) fn take_back(connection: &Connection, key: &str, at: Timestamp) -> rusqlite::Result<()> {
    statement(connection, TAKE_BACK)?.execute(params![key, seconds(at)])?;
    Ok(())
}

/// One that is exactly `window` seconds old does not count any more.
pub(crate) fn within(
    connection: &Connection,
    key: &str,
    now: Timestamp,
    window: u64,
) -> rusqlite::Result<(u32, Option<Timestamp>)> {
    // -1 when the window reaches back before 1970, so that second 0 is in it.
    let after = seconds(now).saturating_sub(i64::try_from(window).unwrap_or(i64::MAX)).max(-1);
    statement(connection, WITHIN)?.query_row(params![key, after], |row| {
        let count: i64 = row.get(0)?;
        let last: Option<i64> = row.get(1)?;
        Ok((u32::try_from(count).unwrap_or(u32::MAX), last.map(timestamp)))
    })
}

pub(crate) fn clear(connection: &Connection, key: &str) -> rusqlite::Result<()> {
    statement(connection, CLEAR)?.execute([key])?;
    Ok(())
}
