//! `?limit=…&after=…`, and how a page of a list is written.

use postern_kernel::store::Page;
use serde::{Deserialize, Serialize};

/// Items on a page, unless asked for fewer or more.
const USUAL: u32 = 50;
const MOST: u32 = 500;

/// The query of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    limit: Option<u32>,
    /// The `next` of the page before.
    pub(super) after: Option<String>,
}

impl Paging {
    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }
}

/// A page of a list.
#[derive(Serialize)]
pub(super) struct List<T> {
    items: Vec<T>,
    /// Hand it back as `after`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<T> List<T> {
    pub(super) fn of<S>(page: Page<S>, view: impl Fn(S) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next: page.next }
    }
}
