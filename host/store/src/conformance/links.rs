use postern_kernel::directory::Claim;
use postern_kernel::store::{AddError, Link};

use super::State;
use super::fixtures::{NOW, race, user};

fn link(id: &str, authenticator: &str, issuer: &str, identity: &str, subject: &str) -> Link {
    Link {
        id: id.into(),
        authenticator: authenticator.into(),
        issuer: issuer.into(),
        identity: identity.into(),
        subject: subject.into(),
        label: "ä@example.org".into(),
        created: false,
        created_at: NOW,
    }
}

pub(super) async fn are_of_one_authenticator_and_issuer(state: State) {
    let first = link("l-1", "example", "https://a", "1", "alice");
    assert!(state.one.add_link(&first, 16).await.unwrap());
    for other in [
        link("l-2", "other", "https://a", "1", "bob"),
        link("l-3", "example", "https://b", "1", "bob"),
        link("l-4", "example", "https://a", "2", "bob"),
        link("l-5", "example", "https://a", "A", "bob"),
        link("l-6", "example", "https://a", "a", "carol"),
    ] {
        let (authenticator, issuer, identity) = (&other.authenticator, &other.issuer, &other.identity);
        assert_eq!(state.two.link(authenticator, issuer, identity).await.unwrap(), None, "{other:?}");
        assert!(state.one.add_link(&other, 16).await.unwrap(), "{other:?}");
        assert_eq!(state.two.link(authenticator, issuer, identity).await.unwrap(), Some(other.clone()));
    }
    let taken = link("l-7", "example", "https://a", "1", "bob");
    assert!(!state.two.add_link(&taken, 16).await.unwrap(), "it is alice's");
    assert_eq!(state.two.link("example", "https://a", "1").await.unwrap(), Some(first));
}

pub(super) async fn are_listed_and_removed_by_their_person(state: State) {
    let later = Link { created_at: NOW.plus(1), ..link("l-1", "example", "https://a", "1", "alice") };
    let first = link("l-2", "example", "https://a", "2", "alice");
    for one in [&later, &first, &link("l-3", "example", "https://a", "3", "bob")] {
        assert!(state.one.add_link(one, 16).await.unwrap());
    }
    assert_eq!(state.two.links_of("alice").await.unwrap(), [first.clone(), later.clone()]);
    assert_eq!(state.two.links_of("carol").await.unwrap(), []);
    assert!(!state.two.remove_link("bob", "l-1", None).await.unwrap(), "it is alice's");
    assert!(state.two.remove_link("alice", "l-1", None).await.unwrap());
    assert!(!state.one.remove_link("alice", "l-1", None).await.unwrap());
    assert_eq!(state.one.link("example", "https://a", "1").await.unwrap(), None);
    assert!(state.one.add_link(&later, 2).await.unwrap());
    assert!(!state.two.add_link(&link("l-9", "x", "https://a", "9", "alice"), 2).await.unwrap(), "the most");
    assert_eq!(state.two.remove_links_of("alice").await.unwrap(), 2);
    assert_eq!(state.one.links_of("alice").await.unwrap(), []);
    assert_eq!(state.one.links_of("bob").await.unwrap().len(), 1);
}

pub(super) async fn of_one_identity_are_added_once(state: State) {
    let outcomes = race(&state, |number, node| async move {
        let one = link(&format!("l-{number}"), "example", "https://a", "1", &format!("person-{number}"));
        node.add_link(&one, 16).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 1);
}

pub(super) async fn of_which_one_is_to_stay_go_one_by_one(state: State) {
    let beside = ["example".to_owned()];
    for number in 0..16 {
        let one = link(&format!("l-{number}"), "example", "https://a", &number.to_string(), "alice");
        assert!(state.one.add_link(&one, 16).await.unwrap());
    }
    let other = link("l-16", "other", "https://a", "16", "alice");
    assert!(state.one.add_link(&other, 17).await.unwrap(), "serves nobody");
    let outcomes = race(&state, |number, node| async move {
        let (id, beside) = (format!("l-{}", number % 16), ["example".to_owned()]);
        node.remove_link("alice", &id, Some(&beside)).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|removed| *removed).count(), 15);
    let left = state.two.links_of("alice").await.unwrap();
    assert_eq!(left.len(), 2, "one of them, and the other");
    assert!(!state.two.remove_link("bob", &left[0].id, Some(&beside)).await.unwrap());
    assert!(state.two.remove_link("alice", "l-16", Some(&beside)).await.unwrap());
    assert!(state.two.remove_link("alice", &left[0].id, None).await.unwrap(), "whoever may");
}

pub(super) async fn are_added_with_a_new_person_or_not_at_all(state: State) {
    state.one.add_user(&user("s-1", "Alice"), "hash").await.unwrap();
    let new = |subject: &str, identity: &str| link(subject, "example", "https://a", identity, subject);
    let exists = state.two.add_linked_user(&user("s-2", "alice"), "hash", &new("s-2", "2")).await;
    assert!(matches!(exists, Err(AddError::Exists)), "the name is in use");
    assert_eq!(state.one.link("example", "https://a", "2").await.unwrap(), None);
    state.one.add_linked_user(&user("s-2", "Bob"), "hash", &new("s-2", "2")).await.unwrap();
    assert_eq!(state.two.link("example", "https://a", "2").await.unwrap().unwrap().subject, "s-2");
    let exists = state.two.add_linked_user(&user("s-3", "Carol"), "hash", &new("s-3", "2")).await;
    assert!(matches!(exists, Err(AddError::Exists)), "the identity is Bob's");
    assert_eq!(state.one.user_by_name("carol").await.unwrap(), None);
    let outcomes = race(&state, |number, node| async move {
        let subject = format!("r-{number}");
        let one = link(&subject, "example", "https://a", "9", &subject);
        node.add_linked_user(&user(&subject, &format!("name-{number}")), "hash", &one).await.is_ok()
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 1);
}

pub(super) async fn bring_claims_that_change(state: State) {
    state.one.add_user(&user("s-1", "Alice"), "hash").await.unwrap();
    let claims = vec![Claim { name: "email".into(), values: vec!["new@example.org".into()] }];
    assert!(state.two.set_user_claims("s-1", &claims).await.unwrap());
    assert_eq!(state.one.user_by_subject("s-1").await.unwrap().unwrap().claims, claims);
    assert!(!state.two.set_user_claims("s-2", &claims).await.unwrap());
}
