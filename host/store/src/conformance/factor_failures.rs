use super::State;
use super::fixtures::race;

pub(super) async fn are_counted_up_to_the_most(state: State) {
    for _ in 0..3 {
        assert!(state.one.admit_in_a_row("totp", "alice", 3).await.unwrap());
    }
    assert!(!state.two.admit_in_a_row("totp", "alice", 3).await.unwrap());
    assert_eq!(
        state.two.failures_in_a_row("totp", "alice").await.unwrap(),
        3,
        "what is refused is not counted"
    );
    assert!(state.two.admit_in_a_row("totp", "alice", 4).await.unwrap(), "with another limit");
    for (authenticator, subject) in [("totp", "bob"), ("passkey", "alice")] {
        assert_eq!(state.two.failures_in_a_row(authenticator, subject).await.unwrap(), 0);
        assert!(state.one.admit_in_a_row(authenticator, subject, 3).await.unwrap());
    }
    assert!(!state.one.admit_in_a_row("totp", "carol", 0).await.unwrap());
}

pub(super) async fn are_taken_back_and_forgotten(state: State) {
    state.one.take_back_in_a_row("totp", "alice").await.unwrap();
    assert_eq!(state.two.failures_in_a_row("totp", "alice").await.unwrap(), 0, "never below none");
    for authenticator in ["totp", "totp", "passkey"] {
        state.one.admit_in_a_row(authenticator, "alice", 9).await.unwrap();
    }
    state.one.admit_in_a_row("totp", "bob", 9).await.unwrap();
    state.two.take_back_in_a_row("totp", "alice").await.unwrap();
    assert_eq!(state.one.failures_in_a_row("totp", "alice").await.unwrap(), 1);
    assert!(state.two.clear_in_a_row("totp", "alice").await.unwrap());
    assert!(!state.two.clear_in_a_row("totp", "alice").await.unwrap());
    assert_eq!(state.one.failures_in_a_row("totp", "alice").await.unwrap(), 0);
    assert_eq!(state.one.failures_in_a_row("passkey", "alice").await.unwrap(), 1);
    state.one.admit_in_a_row("totp", "alice", 9).await.unwrap();
    assert_eq!(state.two.clear_in_a_row_of("alice").await.unwrap(), 2);
    assert_eq!(state.one.failures_in_a_row("passkey", "alice").await.unwrap(), 0);
    assert_eq!(state.one.failures_in_a_row("totp", "bob").await.unwrap(), 1);
}

pub(super) async fn at_once_no_more_are_admitted_than_the_most(state: State) {
    let admitted =
        race(&state, |_, node| async move { node.admit_in_a_row("totp", "alice", 5).await.unwrap() }).await;
    assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 5);
}
