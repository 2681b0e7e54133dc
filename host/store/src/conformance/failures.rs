use super::State;
use super::fixtures::{NOW, RACERS, race};

const WINDOW: u64 = 900;

pub(super) async fn count_within_the_window(state: State) {
    let count = |seconds: u64| state.one.count_failure("name:a", NOW.plus(seconds), WINDOW);
    assert_eq!(state.two.failures("name:a", NOW, WINDOW).await.unwrap(), (0, None));
    assert_eq!(count(0).await.unwrap(), 1);
    assert_eq!(count(0).await.unwrap(), 2, "two in one second");
    assert_eq!(count(10).await.unwrap(), 3);
    let failures = |seconds: u64, window: u64| state.two.failures("name:a", NOW.plus(seconds), window);
    assert_eq!(failures(10, WINDOW).await.unwrap(), (3, Some(NOW.plus(10))));
    assert_eq!(failures(899, WINDOW).await.unwrap(), (3, Some(NOW.plus(10))));
    assert_eq!(failures(900, WINDOW).await.unwrap(), (1, Some(NOW.plus(10))));
    assert_eq!(failures(910, WINDOW).await.unwrap(), (0, None));
    assert_eq!(failures(15, 6).await.unwrap(), (1, Some(NOW.plus(10))), "another window");
    assert_eq!(count(905).await.unwrap(), 2);
}

pub(super) async fn are_apart_for_each_key_and_forgotten(state: State) {
    state.one.count_failure("name:a", NOW, WINDOW).await.unwrap();
    state.one.count_failure("name:b", NOW, WINDOW).await.unwrap();
    state.two.clear_failures("name:a").await.unwrap();
    assert_eq!(state.one.failures("name:a", NOW, WINDOW).await.unwrap(), (0, None));
    assert_eq!(state.one.failures("name:b", NOW, WINDOW).await.unwrap().0, 1);
}

pub(super) async fn at_once_all_count(state: State) {
    let mut counts =
        race(
            &state,
            |_, node| async move { node.count_failure("address:192.0.2.1", NOW, WINDOW).await.unwrap() },
        )
        .await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=RACERS).collect::<Vec<_>>());
}
