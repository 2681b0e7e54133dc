use postern_kernel::store::{Grant, Session, SignedIn};

use super::State;
use super::fixtures::{NOW, UNTIL, add_applications, grant, session};

pub(super) async fn are_found_until_they_expire_or_are_revoked(state: State) {
    add_applications(state.one.as_ref()).await;
    let given = grant("g-1", "wiki", None);
    state.one.add_grant(&given).await.unwrap();
    assert_eq!(state.two.grant("oidc", "g-1", NOW).await.unwrap(), Some(given.clone()));
    assert_eq!(state.two.grant("oidc", "g-1", UNTIL).await.unwrap(), None);
    assert_eq!(state.two.grant("saml2", "g-1", NOW).await.unwrap(), None);
    assert!(state.one.add_grant(&Grant { subject: "eve".into(), ..given }).await.is_err(), "an id in use");
    assert!(!state.two.revoke_grant("saml2", "g-1").await.unwrap());
    assert!(state.two.revoke_grant("oidc", "g-1").await.unwrap());
    assert!(!state.two.revoke_grant("oidc", "g-1").await.unwrap());
    assert_eq!(state.one.grant("oidc", "g-1", NOW).await.unwrap(), None);
}

pub(super) async fn end_with_their_session(state: State) {
    add_applications(state.one.as_ref()).await;
    let short = Session { expires_at: NOW.plus(60), ..session("s-1", 1, "alice") };
    state.one.add_session(&short).await.unwrap();
    let bound = grant("bound", "wiki", Some("s-1"));
    state.one.add_grant(&bound).await.unwrap();
    assert_eq!(state.two.grant("oidc", "bound", NOW).await.unwrap(), Some(bound));
    assert_eq!(
        state.two.grant("oidc", "bound", NOW.plus(60)).await.unwrap(),
        None,
        "the session has expired"
    );
}

pub(super) async fn go_with_the_link_that_they_came_of(state: State) {
    add_applications(state.one.as_ref()).await;
    let by = |links: &[&str]| {
        let links = links.iter().map(|id| (*id).to_owned()).collect();
        Some(SignedIn { links, ..SignedIn::default() })
    };
    for (id, signed_in) in
        [("a", by(&["l-1"])), ("b", by(&["l-2", "l-1"])), ("c", by(&["l-2"])), ("d", by(&[])), ("e", None)]
    {
        let one = Grant { signed_in, ..grant(id, "wiki", None) };
        state.one.add_grant(&one).await.unwrap();
        assert_eq!(state.two.grant("oidc", id, NOW).await.unwrap(), Some(one));
    }
    let of_bob = Grant { subject: "bob".into(), signed_in: by(&["l-1"]), ..grant("f", "wiki", None) };
    state.one.add_grant(&of_bob).await.unwrap();
    assert_eq!(state.two.revoke_grants_of_link("alice", "l-1").await.unwrap(), 2);
    for (id, is_left) in [("a", false), ("b", false), ("c", true), ("d", true), ("e", true), ("f", true)] {
        assert_eq!(state.one.grant("oidc", id, NOW).await.unwrap().is_some(), is_left, "{id}");
    }
}

pub(super) async fn need_their_application_and_session(state: State) {
    add_applications(state.one.as_ref()).await;
    assert!(state.one.add_grant(&grant("g-1", "unknown", None)).await.is_err());
    assert!(state.one.add_grant(&grant("g-2", "wiki", Some("ended"))).await.is_err());
    assert!(state.one.add_consents("alice", "unknown", &["openid".into()], NOW).await.is_err());
}

pub(super) async fn and_consents_add_up(state: State) {
    add_applications(state.one.as_ref()).await;
    assert!(state.one.consents("alice", "wiki").await.unwrap().is_empty());
    state.one.add_consents("alice", "wiki", &["openid".into(), "email".into()], NOW).await.unwrap();
    state.two.add_consents("alice", "wiki", &["email".into(), "profile".into()], NOW).await.unwrap();
    state.two.add_consents("alice", "wiki", &[], NOW).await.unwrap();
    let mut items = state.one.consents("alice", "wiki").await.unwrap();
    items.sort_unstable();
    assert_eq!(items, ["email", "openid", "profile"]);
    assert!(state.one.consents("alice", "shop").await.unwrap().is_empty());
    assert!(state.one.consents("bob", "wiki").await.unwrap().is_empty());
}
