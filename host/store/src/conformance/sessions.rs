use postern_kernel::clock::Timestamp;
use postern_kernel::store::{Grant, Participant, Session};

use super::State;
use super::fixtures::{NOW, UNTIL, add_applications, grant, mark, race, session};

pub(super) async fn are_found_by_secret_until_they_expire(state: State) {
    let alice = session("s-1", 1, "alice");
    state.one.add_session(&alice).await.unwrap();
    assert_eq!(state.two.session(mark(1), NOW).await.unwrap(), Some(alice.clone()));
    assert_eq!(state.two.session(mark(1), Timestamp(UNTIL.0 - 1)).await.unwrap(), Some(alice));
    assert_eq!(state.two.session(mark(1), UNTIL).await.unwrap(), None);
    assert_eq!(state.two.session(mark(2), NOW).await.unwrap(), None);
    assert!(state.one.add_session(&session("s-2", 1, "eve")).await.is_err(), "a secret is one session's");
}

pub(super) async fn are_renewed(state: State) {
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    let renewed = Session {
        secret: mark(2),
        authenticated_at: NOW.plus(60),
        context: "otp".into(),
        contexts: vec!["password".into(), "otp".into()],
        methods: vec!["otp".into()],
        authenticators: vec!["password".into(), "passkey".into()],
        several: vec!["passkey".into()],
        links: vec!["l-1".into(), "l-2".into()],
        last_used_at: NOW.plus(60),
        expires_at: UNTIL.plus(60),
        user_agent: "Browser/2".into(),
        address: "2001:db8::1".into(),
        ..session("s-1", 1, "alice")
    };
    assert!(state.one.renew_session(&renewed).await.unwrap());
    assert_eq!(state.two.session(mark(1), NOW.plus(60)).await.unwrap(), None, "the old cookie is worthless");
    assert_eq!(state.two.session(mark(2), NOW.plus(60)).await.unwrap(), Some(renewed));
    assert!(!state.one.renew_session(&session("s-2", 3, "alice")).await.unwrap());
}

pub(super) async fn that_expired_are_not_renewed(state: State) {
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    let late = Session { last_used_at: UNTIL, expires_at: UNTIL.plus(600), ..session("s-1", 2, "alice") };
    assert!(!state.one.renew_session(&late).await.unwrap());
    assert_eq!(state.two.session(mark(2), UNTIL).await.unwrap(), None);
    assert!(!state.one.renew_session(&session("s-1", 2, "eve")).await.unwrap(), "of another person");
}

pub(super) async fn note_their_last_use(state: State) {
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    state.one.touch_session("s-1", NOW.plus(60)).await.unwrap();
    state.two.touch_session("s-1", NOW.plus(30)).await.unwrap();
    state.two.touch_session("s-2", NOW.plus(30)).await.unwrap();
    let found = state.two.session(mark(1), NOW).await.unwrap().unwrap();
    assert_eq!(found.last_used_at, NOW.plus(60), "a late report does not turn it back");
}

pub(super) async fn take_what_belongs_to_them_along(state: State) {
    add_applications(state.one.as_ref()).await;
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    state.one.join_session("s-1", "wiki", "index").await.unwrap();
    state.one.add_grant(&grant("bound", "wiki", Some("s-1"))).await.unwrap();
    state.one.add_grant(&grant("free", "wiki", None)).await.unwrap();
    assert!(state.two.end_session("s-1").await.unwrap());
    assert!(!state.two.end_session("s-1").await.unwrap());
    assert_eq!(state.one.session(mark(1), NOW).await.unwrap(), None);
    assert!(state.one.participants("s-1").await.unwrap().is_empty());
    assert_eq!(state.one.grant("oidc", "bound", NOW).await.unwrap(), None);
    assert!(state.one.grant("oidc", "free", NOW).await.unwrap().is_some());
}

pub(super) async fn of_a_person_end_together(state: State) {
    add_applications(state.one.as_ref()).await;
    for (id, secret, subject) in [("s-1", 1, "alice"), ("s-2", 2, "alice"), ("s-3", 3, "bob")] {
        state.one.add_session(&session(id, secret, subject)).await.unwrap();
    }
    state.one.add_grant(&grant("bound", "wiki", Some("s-2"))).await.unwrap();
    let offline = grant("offline", "wiki", None);
    let of_bob = Grant { subject: "bob".into(), ..grant("of-bob", "wiki", None) };
    for grant in [&offline, &of_bob] {
        state.one.add_grant(grant).await.unwrap();
    }
    assert_eq!(offline.subject, "alice");
    assert_eq!(state.two.end_sessions_of("alice").await.unwrap(), 2);
    assert_eq!(state.one.grant("oidc", "offline", NOW).await.unwrap(), None, "offline access ends too");
    assert!(state.one.grant("oidc", "of-bob", NOW).await.unwrap().is_some());
    assert_eq!(state.one.session(mark(1), NOW).await.unwrap(), None);
    assert_eq!(state.one.session(mark(2), NOW).await.unwrap(), None);
    assert!(state.one.session(mark(3), NOW).await.unwrap().is_some());
    assert_eq!(state.one.grant("oidc", "bound", NOW).await.unwrap(), None);
}

pub(super) async fn are_listed(state: State) {
    for (id, secret) in [("c", 1), ("a", 2), ("d", 3), ("b", 4)] {
        let expires_at = if id == "b" { NOW } else { UNTIL };
        state.one.add_session(&Session { expires_at, ..session(id, secret, "alice") }).await.unwrap();
    }
    let first = state.two.list_sessions(NOW, None, 2).await.unwrap();
    assert_eq!(first.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    let second = state.two.list_sessions(NOW, first.next.as_deref(), 2).await.unwrap();
    assert_eq!(second.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["d"]);
    assert_eq!(second.next, None);
}

pub(super) async fn keep_one_index_for_each_application(state: State) {
    add_applications(state.one.as_ref()).await;
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    assert_eq!(state.one.join_session("s-1", "wiki", "first").await.unwrap(), "first");
    assert_eq!(state.two.join_session("s-1", "wiki", "second").await.unwrap(), "first");
    assert_eq!(state.two.join_session("s-1", "mail", "third").await.unwrap(), "third");
    let mut participants = state.one.participants("s-1").await.unwrap();
    participants.sort_by(|a, b| a.application.cmp(&b.application));
    let expected = [("mail", "third"), ("wiki", "first")].map(|(application, session_index)| Participant {
        application: application.into(),
        session_index: session_index.into(),
    });
    assert_eq!(participants, expected);
}

pub(super) async fn are_found_by_index_within_a_module(state: State) {
    add_applications(state.one.as_ref()).await;
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    state.one.join_session("s-1", "mail", "index").await.unwrap();
    let found = state.two.session_by_index("saml2", "index", NOW).await.unwrap();
    assert_eq!(found.map(|session| session.id).as_deref(), Some("s-1"));
    assert_eq!(state.two.session_by_index("oidc", "index", NOW).await.unwrap(), None);
    assert_eq!(state.two.session_by_index("saml2", "other", NOW).await.unwrap(), None);
    assert_eq!(state.two.session_by_index("saml2", "index", UNTIL).await.unwrap(), None);
}

pub(super) async fn that_are_gone_are_not_joined(state: State) {
    add_applications(state.one.as_ref()).await;
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    assert!(state.one.join_session("s-2", "wiki", "index").await.is_err());
    assert!(state.one.join_session("s-1", "unknown", "index").await.is_err());
    assert!(state.one.participants("s-1").await.unwrap().is_empty());
}

pub(super) async fn joined_at_once_have_one_index(state: State) {
    add_applications(state.one.as_ref()).await;
    state.one.add_session(&session("s-1", 1, "alice")).await.unwrap();
    let mut indexes = race(&state, |number, node| async move {
        node.join_session("s-1", "wiki", &format!("index-{number}")).await.unwrap()
    })
    .await;
    indexes.dedup();
    assert_eq!(indexes.len(), 1, "{indexes:?}");
}

pub(super) async fn of_a_person_are_listed_and_end_but_for_one(state: State) {
    add_applications(state.one.as_ref()).await;
    for (number, (id, subject)) in [("s-1", "alice"), ("s-2", "alice"), ("s-3", "bob")].iter().enumerate() {
        let secret = u8::try_from(number).unwrap();
        state.one.add_session(&session(id, secret, subject)).await.unwrap();
        state.one.add_grant(&grant(&format!("of-{id}"), "wiki", Some(id))).await.unwrap();
    }
    state.one.add_grant(&grant("offline", "wiki", None)).await.unwrap();
    state.one.touch_session("s-2", NOW.plus(9)).await.unwrap();
    let ids = |sessions: Vec<Session>| sessions.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let of = |now| state.two.sessions_of("alice", now, 100);
    assert_eq!(ids(of(NOW).await.unwrap()), ["s-2", "s-1"], "the one used last first");
    assert!(of(UNTIL).await.unwrap().is_empty());
    assert_eq!(state.two.sessions_of("alice", NOW, 1).await.unwrap().len(), 1);

    assert_eq!(state.two.end_other_sessions_of("alice", "s-1").await.unwrap(), 1);
    assert_eq!(ids(of(NOW).await.unwrap()), ["s-1"]);
    assert_eq!(ids(state.one.sessions_of("bob", NOW, 100).await.unwrap()), ["s-3"]);
    for (id, stays) in [("of-s-1", true), ("of-s-2", false), ("offline", false)] {
        assert_eq!(state.one.grant("oidc", id, NOW).await.unwrap().is_some(), stays, "{id}");
    }
}
