use postern_kernel::store::StoredCredential;

use super::State;
use super::fixtures::{NOW, race};

fn credential(id: &str, authenticator: &str, subject: &str) -> StoredCredential {
    StoredCredential {
        id: id.into(),
        authenticator: authenticator.into(),
        subject: subject.into(),
        sealed: vec![1, 0, 2],
        version: 1,
        created_at: NOW,
    }
}

pub(super) async fn are_apart_for_each_authenticator_and_person(state: State) {
    let first = StoredCredential { created_at: NOW.plus(1), ..credential("c-1", "totp", "alice") };
    let older = credential("c-2", "totp", "alice");
    for one in [&first, &older, &credential("c-3", "passkey", "alice"), &credential("c-4", "totp", "bob")] {
        assert!(state.one.add_credential(one, 16).await.unwrap());
    }
    assert_eq!(state.two.credentials("totp", "alice").await.unwrap(), [older.clone(), first]);
    assert_eq!(state.two.credentials("totp", "carol").await.unwrap(), []);
    assert!(state.one.add_credential(&older, 16).await.is_err(), "an id in use");
    assert_eq!(state.two.credential("totp", "c-2").await.unwrap(), Some(older.clone()));
    assert_eq!(state.two.credential("passkey", "c-2").await.unwrap(), None);
    assert_eq!(state.one.credential("totp", "c-9").await.unwrap(), None);
    for (authenticator, subject) in [("passkey", "alice"), ("totp", "bob")] {
        let foreign = credential("c-2", authenticator, subject);
        assert!(!state.two.replace_credential(&foreign).await.unwrap());
        assert!(!state.two.remove_credential(authenticator, subject, "c-2").await.unwrap());
    }
    assert!(state.two.remove_credential("totp", "alice", "c-2").await.unwrap());
    assert!(!state.one.remove_credential("totp", "alice", "c-2").await.unwrap());
    assert_eq!(state.one.credentials("totp", "alice").await.unwrap().len(), 1);
}

pub(super) async fn are_replaced_unless_they_have_changed(state: State) {
    let old = credential("c-1", "totp", "alice");
    state.one.add_credential(&old, 16).await.unwrap();
    let new = StoredCredential { sealed: vec![9], ..old.clone() };
    assert!(state.two.replace_credential(&new).await.unwrap());
    assert!(!state.one.replace_credential(&new).await.unwrap(), "it has changed meanwhile");
    let kept = StoredCredential { version: 2, ..new };
    assert_eq!(state.one.credentials("totp", "alice").await.unwrap(), [kept]);
}

pub(super) async fn replaced_at_once_are_so_by_one(state: State) {
    state.one.add_credential(&credential("c-1", "totp", "alice"), 16).await.unwrap();
    let outcomes = race(&state, |number, node| async move {
        let sealed = number.to_be_bytes().to_vec();
        let new = StoredCredential { sealed, ..credential("c-1", "totp", "alice") };
        node.replace_credential(&new).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|replaced| *replaced).count(), 1);
}

pub(super) async fn are_no_more_than_the_most(state: State) {
    let outcomes = race(&state, |number, node| async move {
        node.add_credential(&credential(&format!("c-{number}"), "totp", "alice"), 3).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 3);
    assert!(state.one.add_credential(&credential("other", "passkey", "alice"), 3).await.unwrap());
}

pub(super) async fn of_a_person_go_together(state: State) {
    for (id, authenticator, subject) in
        [("c-1", "totp", "alice"), ("c-2", "passkey", "alice"), ("c-3", "totp", "bob")]
    {
        state.one.add_credential(&credential(id, authenticator, subject), 16).await.unwrap();
    }
    assert_eq!(state.two.remove_credentials_of("alice").await.unwrap(), 2);
    assert_eq!(state.one.credentials("totp", "alice").await.unwrap(), []);
    assert_eq!(state.one.credentials("totp", "bob").await.unwrap().len(), 1);
    assert_eq!(state.two.remove_credentials_of("alice").await.unwrap(), 0);
}
