//! What every implementation of [`Store`] does. [`check`] runs all of it against an
//! implementation, with two nodes on one state.
//!
//! A backend's test makes [`State`]s and hands them over:
//!
//! ```
//! # use std::sync::Arc;
//! use postern_store::SqliteStore;
//! use postern_store::conformance::{State, check};
//!
//! # fn main() {
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! check(&|| {
//!     let files = tempfile::tempdir().unwrap();
//!     let node = || Arc::new(SqliteStore::open(&files.path().join("state.db")).unwrap());
//!     State { one: node(), two: node(), keep: Box::new(files) }
//! })
//! .await;
//! # })
//! # }
//! ```

mod applications;
mod artifacts;
mod credentials;
mod factor_failures;
mod failures;
mod fixtures;
mod grants;
mod keys;
mod links;
mod sessions;
mod transactions;
mod users;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use postern_kernel::store::Store;

/// An empty state, and two nodes that share it.
pub struct State {
    /// A node.
    pub one: Arc<dyn Store>,
    /// Another one: a connection, pool or process of its own where the implementation allows.
    pub two: Arc<dyn Store>,
    /// What must live as long as the nodes: a temporary directory, a database server.
    pub keep: Box<dyn Any + Send + Sync>,
}

type Rule = fn(State) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! rules {
    ($($area:ident::$rule:ident,)*) => {
        &[$((concat!(stringify!($area), "::", stringify!($rule)), |state| Box::pin($area::$rule(state)))),*]
    };
}

const RULES: &[(&str, Rule)] = rules! {
    users::are_found_by_name_and_subject,
    users::have_names_that_are_unique_ignoring_case,
    users::are_listed_by_name,
    users::change,
    users::keep_a_password_that_changed_meanwhile,
    users::have_a_number_for_each_password,
    users::of_one_name_are_added_once,
    credentials::are_apart_for_each_authenticator_and_person,
    credentials::are_replaced_unless_they_have_changed,
    credentials::replaced_at_once_are_so_by_one,
    credentials::are_no_more_than_the_most,
    credentials::of_a_person_go_together,
    links::are_of_one_authenticator_and_issuer,
    links::are_listed_and_removed_by_their_person,
    links::of_one_identity_are_added_once,
    links::of_which_one_is_to_stay_go_one_by_one,
    links::are_added_with_a_new_person_or_not_at_all,
    links::bring_claims_that_change,
    applications::are_found_by_id_and_identifier,
    applications::have_identifiers_that_are_unique_in_their_module,
    applications::are_listed_by_module_and_identifier,
    applications::change,
    applications::take_what_belongs_to_them_along,
    sessions::are_found_by_secret_until_they_expire,
    sessions::are_renewed,
    sessions::that_expired_are_not_renewed,
    sessions::note_their_last_use,
    sessions::take_what_belongs_to_them_along,
    sessions::of_a_person_end_together,
    sessions::of_a_person_are_listed_and_end_but_for_one,
    sessions::are_listed,
    sessions::keep_one_index_for_each_application,
    sessions::are_found_by_index_within_a_module,
    sessions::that_are_gone_are_not_joined,
    sessions::joined_at_once_have_one_index,
    transactions::are_found_until_they_expire,
    transactions::are_bound_to_one_browser,
    transactions::bound_at_once_have_one_browser,
    transactions::are_updated,
    transactions::are_taken_once,
    transactions::taken_at_once_go_to_one,
    artifacts::are_fresh_once_and_spent_until_they_expire,
    artifacts::are_apart_for_each_module,
    artifacts::are_not_put_over_others,
    artifacts::taken_at_once_are_fresh_to_one,
    artifacts::are_remembered_until_their_time_has_passed,
    artifacts::remembered_at_once_are_new_to_one,
    grants::are_found_until_they_expire_or_are_revoked,
    grants::end_with_their_session,
    grants::go_with_the_link_that_they_came_of,
    grants::need_their_application_and_session,
    grants::and_consents_add_up,
    failures::count_within_the_window,
    failures::are_apart_for_each_key_and_forgotten,
    failures::make_the_next_try_wait,
    failures::are_taken_back,
    failures::at_once_no_more_are_admitted_than_the_limit,
    factor_failures::are_counted_up_to_the_most,
    factor_failures::are_taken_back_and_forgotten,
    factor_failures::at_once_no_more_are_admitted_than_the_most,
    keys::are_kept_as_they_are,
    keys::retire_when_another_is_added,
    keys::that_are_first_are_added_once,
    keys::are_removed_when_retired_long_ago,
    keys::and_values_of_the_installation_are_provided_once,
    keys::purge_takes_what_has_expired_and_nothing_else,
};

/// Runs every rule, each on a state of its own.
///
/// # Panics
/// When the implementation breaks a rule, after all have run; the message names those it broke.
pub async fn check(fresh: &(dyn Fn() -> State + Sync)) {
    let mut broken = Vec::new();
    for (name, rule) in RULES {
        if tokio::spawn(rule(fresh())).await.is_err() {
            broken.push(*name);
        }
    }
    assert!(broken.is_empty(), "{} of {} rules are broken: {broken:?}", broken.len(), RULES.len());
}
