//! The statements, a file for each thing that is kept.

pub(crate) mod applications;
pub(crate) mod artifacts;
pub(crate) mod consents;
pub(crate) mod credentials;
pub(crate) mod factor_failures;
pub(crate) mod failures;
pub(crate) mod grants;
pub(crate) mod installation;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod participants;
pub(crate) mod purge;
pub(crate) mod sessions;
pub(crate) mod transactions;
pub(crate) mod users;

use postern_kernel::randomness::Fingerprint;
use postern_kernel::store::Page;
use rusqlite::types::Type;

/// Most records on a page of a list.
const MAX_PAGE: u32 = 1_000;

/// How many rows to ask for: one more than the page holds tells whether there is another.
fn rows_for(limit: u32) -> u32 {
    limit.clamp(1, MAX_PAGE) + 1
}

/// The page, with the place after its last item when there are more.
fn page<T>(mut items: Vec<T>, limit: u32, place: impl FnOnce(&T) -> String) -> Page<T> {
    let limit = limit.clamp(1, MAX_PAGE) as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(place);
    Page { items, next }
}

fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    column: &'static str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

fn fingerprint(row: &rusqlite::Row<'_>, column: &'static str) -> rusqlite::Result<Fingerprint> {
    row.get(column).map(Fingerprint)
}

fn optional_fingerprint(
    row: &rusqlite::Row<'_>,
    column: &'static str,
) -> rusqlite::Result<Option<Fingerprint>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(Fingerprint))
}
