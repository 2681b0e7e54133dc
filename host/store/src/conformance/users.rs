use postern_kernel::store::AddError;

use super::State;
use super::fixtures::{race, user};

pub(super) async fn are_found_by_name_and_subject(state: State) {
    let alice = user("s-1", "Älice");
    state.one.add_user(&alice, "hash").await.unwrap();
    for name in ["Älice", "älice", "ÄLICE"] {
        assert_eq!(state.two.user_by_name(name).await.unwrap(), Some((alice.clone(), "hash".into())));
    }
    assert_eq!(state.two.user_by_subject("s-1").await.unwrap(), Some(alice));
    assert_eq!(state.two.user_by_name("alice").await.unwrap(), None);
    assert_eq!(state.two.user_by_name("").await.unwrap(), None);
    assert_eq!(state.two.user_by_subject("S-1").await.unwrap(), None);
}

pub(super) async fn have_names_that_are_unique_ignoring_case(state: State) {
    state.one.add_user(&user("s-1", "Älice"), "first").await.unwrap();
    for (subject, name) in [("s-2", "älICE"), ("s-1", "bob")] {
        let added = state.two.add_user(&user(subject, name), "second").await;
        assert!(matches!(added, Err(AddError::Exists)), "{added:?}");
    }
    assert_eq!(state.one.user_by_name("älice").await.unwrap().unwrap().1, "first");
}

pub(super) async fn are_listed_by_name(state: State) {
    let names = ["bob", "Alice", "dora", "Carl", "emil"];
    for (number, name) in names.iter().enumerate() {
        state.one.add_user(&user(&format!("s-{number}"), name), "hash").await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = state.two.list_users(after.as_deref(), 2).await.unwrap();
        assert!(page.items.len() <= 2);
        found.extend(page.items.into_iter().map(|user| user.username));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ["Alice", "bob", "Carl", "dora", "emil"]);
    assert_eq!(state.one.list_users(None, 5).await.unwrap().next, None, "a full last page is the last");
}

pub(super) async fn change(state: State) {
    state.one.add_user(&user("s-1", "alice"), "old").await.unwrap();
    assert!(state.one.set_password_hash("s-1", "new").await.unwrap());
    assert!(state.one.set_user_disabled("s-1", true).await.unwrap());
    let (alice, hash) = state.two.user_by_name("alice").await.unwrap().unwrap();
    assert!(alice.disabled && hash == "new");
    assert!(state.two.set_user_disabled("s-1", false).await.unwrap());
    assert!(!state.one.user_by_subject("s-1").await.unwrap().unwrap().disabled);
    assert!(!state.one.set_password_hash("s-2", "new").await.unwrap());
    assert!(!state.one.set_user_disabled("s-2", true).await.unwrap());
}

pub(super) async fn keep_a_password_that_changed_meanwhile(state: State) {
    state.one.add_user(&user("s-1", "alice"), "old").await.unwrap();
    state.two.set_password_hash("s-1", "changed").await.unwrap();
    assert!(!state.one.replace_password_hash("s-1", "old", "renewed").await.unwrap());
    assert!(!state.one.replace_password_hash("s-2", "old", "renewed").await.unwrap());
    assert_eq!(state.one.user_by_name("alice").await.unwrap().unwrap().1, "changed");
    assert!(state.one.replace_password_hash("s-1", "changed", "renewed").await.unwrap());
    assert_eq!(state.two.user_by_name("alice").await.unwrap().unwrap().1, "renewed");
}

pub(super) async fn have_a_number_for_each_password(state: State) {
    state.one.add_user(&user("s-1", "Älice"), "old").await.unwrap();
    assert_eq!(state.two.password_version("älICE").await.unwrap(), Some(("s-1".into(), 0)));
    state.one.set_password_hash("s-1", "new").await.unwrap();
    state.one.replace_password_hash("s-1", "new", "renewed").await.unwrap();
    assert_eq!(state.two.password_version("älice").await.unwrap(), Some(("s-1".into(), 1)));
    assert_eq!(state.two.password_version("bob").await.unwrap(), None);
}

pub(super) async fn of_one_name_are_added_once(state: State) {
    let outcomes = race(&state, |number, node| async move {
        node.add_user(&user(&format!("s-{number}"), "alice"), "hash").await.is_ok()
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 1);
}
