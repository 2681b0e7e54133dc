use postern_kernel::clock::Timestamp;
use postern_kernel::store::Store;
use postern_kernel::throttle::{Admission, Limit, Throttle};

use super::State;
use super::fixtures::{NOW, race};

const THROTTLE: Throttle =
    Throttle { per_name: 5, per_address: 50, window: 900, longest_wait: 300, in_a_row: 100 };

/// One failure under the key, without a limit.
pub(super) async fn fail(node: &dyn Store, key: &str, now: Timestamp) {
    let limit = Limit { key: key.into(), failures: u32::MAX };
    assert_eq!(node.admit_try(&[limit], THROTTLE, now).await.unwrap(), Admission::Granted);
}

fn limits(keys: &[(&str, u32)]) -> Vec<Limit> {
    keys.iter().map(|(key, failures)| Limit { key: (*key).into(), failures: *failures }).collect()
}

pub(super) async fn count_within_the_window(state: State) {
    assert_eq!(state.two.failures("name:a", NOW, 900).await.unwrap(), (0, None));
    for seconds in [0, 0, 10] {
        fail(state.one.as_ref(), "name:a", NOW.plus(seconds)).await;
    }
    let failures = |seconds: u64, window: u64| state.two.failures("name:a", NOW.plus(seconds), window);
    assert_eq!(failures(10, 900).await.unwrap(), (3, Some(NOW.plus(10))));
    assert_eq!(failures(899, 900).await.unwrap(), (3, Some(NOW.plus(10))));
    assert_eq!(failures(900, 900).await.unwrap(), (1, Some(NOW.plus(10))));
    assert_eq!(failures(910, 900).await.unwrap(), (0, None));
    assert_eq!(failures(15, 6).await.unwrap(), (1, Some(NOW.plus(10))), "another window");
}

pub(super) async fn make_the_next_try_wait(state: State) {
    let both = limits(&[("name:a", 5), ("address:b", 3)]);
    for _ in 0..3 {
        assert_eq!(state.one.admit_try(&both, THROTTLE, NOW).await.unwrap(), Admission::Granted);
    }
    assert_eq!(state.two.admit_try(&both, THROTTLE, NOW).await.unwrap(), Admission::Wait(2));
    assert_eq!(state.two.failures("name:a", NOW, 900).await.unwrap().0, 3, "a try that waits is not counted");
    let later = NOW.plus(2);
    assert_eq!(state.two.admit_try(&both, THROTTLE, later).await.unwrap(), Admission::Granted);
    assert_eq!(state.one.admit_try(&both, THROTTLE, later).await.unwrap(), Admission::Wait(4));
}

pub(super) async fn are_taken_back(state: State) {
    let node = state.one.as_ref();
    fail(node, "name:a", NOW).await;
    fail(node, "name:a", NOW.plus(5)).await;
    state.two.take_back_failure("name:a", NOW.plus(5)).await.unwrap();
    assert_eq!(node.failures("name:a", NOW.plus(5), 900).await.unwrap(), (1, Some(NOW)));
    for _ in 0..2 {
        state.two.take_back_failure("name:a", NOW).await.unwrap();
    }
    assert_eq!(node.failures("name:a", NOW, 900).await.unwrap(), (0, None));
}

pub(super) async fn are_apart_for_each_key_and_forgotten(state: State) {
    fail(state.one.as_ref(), "name:a", NOW).await;
    fail(state.one.as_ref(), "name:b", NOW).await;
    state.two.clear_failures("name:a").await.unwrap();
    assert_eq!(state.one.failures("name:a", NOW, 900).await.unwrap(), (0, None));
    assert_eq!(state.one.failures("name:b", NOW, 900).await.unwrap().0, 1);
}

pub(super) async fn at_once_no_more_are_admitted_than_the_limit(state: State) {
    let admissions = race(&state, |_, node| async move {
        node.admit_try(&limits(&[("address:192.0.2.1", 5)]), THROTTLE, NOW).await.unwrap()
    })
    .await;
    assert_eq!(admissions.iter().filter(|admission| **admission == Admission::Granted).count(), 5);
}
