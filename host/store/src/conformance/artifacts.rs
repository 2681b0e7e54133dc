use postern_kernel::clock::Timestamp;
use postern_kernel::store::Taken;

use super::State;
use super::fixtures::{NOW, RACERS, UNTIL, race};

pub(super) async fn are_fresh_once_and_spent_until_they_expire(state: State) {
    state.one.put_artifact("oidc", "code", b"value", Some("grant"), UNTIL).await.unwrap();
    state.one.put_artifact("oidc", "free", b"", None, UNTIL).await.unwrap();
    state.one.put_artifact("oidc", "late", b"value", None, UNTIL).await.unwrap();
    let take = |key: &'static str, now: Timestamp| state.two.take_artifact("oidc", key, now);
    assert_eq!(take("code", NOW).await.unwrap(), Taken::Fresh(b"value".to_vec()));
    assert_eq!(take("code", NOW).await.unwrap(), Taken::Spent(Some("grant".into())));
    assert_eq!(take("code", UNTIL).await.unwrap(), Taken::Absent);
    assert_eq!(take("free", NOW).await.unwrap(), Taken::Fresh(Vec::new()));
    assert_eq!(take("free", NOW).await.unwrap(), Taken::Spent(None));
    assert_eq!(take("late", UNTIL).await.unwrap(), Taken::Absent);
    assert_eq!(take("unknown", NOW).await.unwrap(), Taken::Absent);
}

pub(super) async fn are_apart_for_each_module(state: State) {
    state.one.put_artifact("oidc", "key", b"a", None, UNTIL).await.unwrap();
    state.one.put_artifact("saml2", "key", b"b", None, UNTIL).await.unwrap();
    assert_eq!(state.one.take_artifact("wsfed", "key", NOW).await.unwrap(), Taken::Absent);
    assert_eq!(state.one.take_artifact("saml2", "key", NOW).await.unwrap(), Taken::Fresh(b"b".to_vec()));
    assert_eq!(state.one.take_artifact("oidc", "key", NOW).await.unwrap(), Taken::Fresh(b"a".to_vec()));
    assert!(state.one.remember("oidc", "value", UNTIL, NOW).await.unwrap());
    assert!(state.one.remember("saml2", "value", UNTIL, NOW).await.unwrap());
}

pub(super) async fn are_not_put_over_others(state: State) {
    state.one.put_artifact("oidc", "key", b"first", None, UNTIL).await.unwrap();
    assert!(state.two.put_artifact("oidc", "key", b"second", None, UNTIL).await.is_err());
    assert_eq!(state.one.take_artifact("oidc", "key", NOW).await.unwrap(), Taken::Fresh(b"first".to_vec()));
    assert!(
        state.two.put_artifact("oidc", "key", b"again", None, UNTIL).await.is_err(),
        "nor over a spent one"
    );
}

pub(super) async fn taken_at_once_are_fresh_to_one(state: State) {
    state.one.put_artifact("oidc", "code", b"value", Some("grant"), UNTIL).await.unwrap();
    let outcomes =
        race(&state, |_, node| async move { node.take_artifact("oidc", "code", NOW).await.unwrap() }).await;
    let count = |taken: &Taken| outcomes.iter().filter(|outcome| *outcome == taken).count();
    assert_eq!(count(&Taken::Fresh(b"value".to_vec())), 1);
    assert_eq!(count(&Taken::Spent(Some("grant".into()))), RACERS as usize - 1);
}

pub(super) async fn are_remembered_until_their_time_has_passed(state: State) {
    let remember = |until: Timestamp, now: Timestamp| state.two.remember("saml2", "_id", until, now);
    assert!(state.one.remember("saml2", "_id", UNTIL, NOW).await.unwrap());
    assert!(!remember(UNTIL.plus(60), NOW).await.unwrap());
    assert!(!remember(UNTIL, Timestamp(UNTIL.0 - 1)).await.unwrap());
    assert!(remember(UNTIL.plus(600), UNTIL).await.unwrap(), "its time has passed");
    assert!(!remember(UNTIL.plus(600), UNTIL.plus(1)).await.unwrap());
    assert!(state.two.remember("saml2", "_ID", UNTIL, NOW).await.unwrap());
}

pub(super) async fn remembered_at_once_are_new_to_one(state: State) {
    let outcomes =
        race(&state, |_, node| async move { node.remember("saml2", "_id", UNTIL, NOW).await.unwrap() }).await;
    assert_eq!(outcomes.into_iter().filter(|new| *new).count(), 1);
}
