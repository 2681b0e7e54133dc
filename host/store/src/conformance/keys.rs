use std::sync::Arc;

use postern_kernel::clock::Timestamp;
use postern_kernel::randomness::Fingerprint;
use postern_kernel::store::{Grant, Session, StoredKey};

use super::State;
use super::failures::fail;
use super::fixtures::{NOW, UNTIL, add_applications, grant, key, mark, race, session};

pub(super) async fn are_kept_as_they_are(state: State) {
    let (rsa, ec) = (key("k-1", "RS256", NOW), key("k-2", "ES256", NOW));
    state.one.add_key(&rsa).await.unwrap();
    state.one.add_key(&ec).await.unwrap();
    let mut found = state.two.keys().await.unwrap();
    found.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    assert!(found == [rsa.clone(), ec]);
    assert!(state.two.add_key(&rsa).await.is_err(), "an id in use");
    assert_eq!(active(&state, "oidc").await, ["ES256/k-2", "RS256/k-1"], "and nothing has retired by it");
}

pub(super) async fn retire_when_another_is_added(state: State) {
    state.one.add_key(&key("k-1", "RS256", NOW)).await.unwrap();
    state.one.add_key(&key("k-2", "ES256", NOW)).await.unwrap();
    state.one.add_key(&StoredKey { module: "saml2".into(), ..key("k-3", "RS256", NOW) }).await.unwrap();
    state.two.add_key(&key("k-4", "RS256", NOW.plus(60))).await.unwrap();
    assert_eq!(active(&state, "oidc").await, ["ES256/k-2", "RS256/k-4"]);
    assert_eq!(active(&state, "saml2").await, ["RS256/k-3"]);
    let keys = state.one.keys().await.unwrap();
    let old = keys.iter().find(|key| key.key_id == "k-1").unwrap();
    assert_eq!(old.retired_at, Some(NOW.plus(60)));
}

pub(super) async fn that_are_first_are_added_once(state: State) {
    let outcomes = race(&state, |number, node| async move {
        node.add_first_key(&key(&format!("k-{number}"), "RS256", NOW)).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(state.one.keys().await.unwrap().len(), 1);
    assert!(state.two.add_first_key(&key("other", "ES256", NOW)).await.unwrap());
}

pub(super) async fn are_removed_when_retired_long_ago(state: State) {
    for (number, at) in [(1, 0), (2, 100), (3, 200)] {
        state.one.add_key(&key(&format!("k-{number}"), "RS256", NOW.plus(at))).await.unwrap();
    }
    assert_eq!(state.two.remove_keys_retired_before(NOW.plus(100)).await.unwrap(), 0);
    assert_eq!(state.two.remove_keys_retired_before(NOW.plus(101)).await.unwrap(), 1);
    assert_eq!(state.two.remove_keys_retired_before(Timestamp(u64::MAX)).await.unwrap(), 1);
    assert_eq!(active(&state, "oidc").await, ["RS256/k-3"], "the active one stays");
}

pub(super) async fn and_values_of_the_installation_are_provided_once(state: State) {
    assert_eq!(state.one.installation_value("secret").await.unwrap(), None);
    let values = race(&state, |number, node| async move {
        node.provide_installation_value("secret", &number.to_be_bytes()).await.unwrap()
    })
    .await;
    let kept = state.two.installation_value("secret").await.unwrap().unwrap();
    assert!(values.iter().all(|value| *value == kept), "{values:?}");
    state.one.set_installation_value("secret", b"set").await.unwrap();
    state.one.set_installation_value("other", b"").await.unwrap();
    assert_eq!(state.two.installation_value("secret").await.unwrap().as_deref(), Some(b"set".as_slice()));
    assert_eq!(state.two.installation_value("other").await.unwrap().as_deref(), Some(b"".as_slice()));
    assert_eq!(state.two.provide_installation_value("secret", b"late").await.unwrap(), b"set");
}

pub(super) async fn purge_takes_what_has_expired_and_nothing_else(state: State) {
    let node = &state.one;
    add_applications(node.as_ref()).await;
    // More than a step holds.
    let adding: Vec<_> = (0..1_200_u32)
        .map(|number| {
            let id = Fingerprint([number.to_be_bytes(); 8].concat().try_into().unwrap());
            let node = Arc::clone(node);
            tokio::spawn(async move { node.add_transaction(id, None, b"", NOW).await.unwrap() })
        })
        .collect();
    for added in adding {
        added.await.unwrap();
    }
    for (name, until) in [("old", NOW), ("new", UNTIL)] {
        let secret = if name == "old" { 1 } else { 2 };
        node.add_session(&Session { expires_at: until, ..session(name, secret, "alice") }).await.unwrap();
        node.add_transaction(mark(secret), None, b"", until).await.unwrap();
        node.put_artifact("oidc", name, b"", None, until).await.unwrap();
        node.remember("oidc", name, until, Timestamp(0)).await.unwrap();
        node.add_grant(&Grant { expires_at: until, ..grant(name, "wiki", None) }).await.unwrap();
        fail(node.as_ref(), name, Timestamp(until.0 - 900)).await;
    }
    node.join_session("old", "wiki", "index").await.unwrap();
    node.add_grant(&grant("bound", "wiki", Some("old"))).await.unwrap();

    assert_eq!(state.two.purge(NOW).await.unwrap(), 1_200 + 6);
    assert_eq!(state.two.purge(NOW).await.unwrap(), 0);
    // Asked for with a time at which nothing had expired yet: gone for good.
    let before = Timestamp(NOW.0 - 1);
    assert_eq!(node.session(mark(1), before).await.unwrap(), None);
    assert!(node.participants("old").await.unwrap().is_empty());
    assert_eq!(node.grant("oidc", "bound", before).await.unwrap(), None);
    assert_eq!(node.grant("oidc", "old", before).await.unwrap(), None);
    assert!(node.session(mark(2), NOW).await.unwrap().is_some());
    assert!(node.transaction(mark(2), NOW).await.unwrap().is_some());
    assert!(node.grant("oidc", "new", NOW).await.unwrap().is_some());
    assert!(!node.remember("oidc", "new", UNTIL, NOW).await.unwrap());
    assert_eq!(node.failures("new", NOW, 900).await.unwrap().0, 1);
    node.ping().await.unwrap();
}

async fn active(state: &State, module: &str) -> Vec<String> {
    let keys = state.one.keys().await.unwrap();
    let mut active: Vec<_> = keys
        .iter()
        .filter(|key| key.module == module && key.retired_at.is_none())
        .map(|key| format!("{}/{}", key.algorithm, key.key_id))
        .collect();
    active.sort_unstable();
    active
}
