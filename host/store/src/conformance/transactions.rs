use super::State;
use super::fixtures::{NOW, UNTIL, mark, race};

pub(super) async fn are_found_until_they_expire(state: State) {
    state.one.add_transaction(mark(1), None, b"data\0", UNTIL).await.unwrap();
    state.one.add_transaction(mark(2), Some(mark(9)), b"", UNTIL).await.unwrap();
    assert_eq!(state.two.transaction(mark(1), NOW).await.unwrap(), Some((None, b"data\0".to_vec())));
    assert_eq!(state.two.transaction(mark(2), NOW).await.unwrap(), Some((Some(mark(9)), Vec::new())));
    assert_eq!(state.two.transaction(mark(1), UNTIL).await.unwrap(), None);
    assert_eq!(state.two.transaction(mark(3), NOW).await.unwrap(), None);
}

pub(super) async fn are_bound_to_one_browser(state: State) {
    state.one.add_transaction(mark(1), None, b"data", UNTIL).await.unwrap();
    assert!(!state.one.bind_transaction(mark(1), mark(8), UNTIL).await.unwrap(), "it has expired by then");
    assert!(state.one.bind_transaction(mark(1), mark(8), NOW).await.unwrap());
    assert!(state.two.bind_transaction(mark(1), mark(8), NOW).await.unwrap(), "to the same one again");
    assert!(!state.two.bind_transaction(mark(1), mark(9), NOW).await.unwrap());
    assert!(!state.two.bind_transaction(mark(2), mark(8), NOW).await.unwrap());
    assert_eq!(state.one.transaction(mark(1), NOW).await.unwrap().unwrap().0, Some(mark(8)));
}

pub(super) async fn bound_at_once_have_one_browser(state: State) {
    state.one.add_transaction(mark(1), None, b"data", UNTIL).await.unwrap();
    let outcomes = race(&state, |number, node| async move {
        let browser = mark(u8::try_from(number).unwrap() + 10);
        node.bind_transaction(mark(1), browser, NOW).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|bound| *bound).count(), 1);
}

pub(super) async fn are_updated(state: State) {
    state.one.add_transaction(mark(1), Some(mark(9)), b"old", UNTIL).await.unwrap();
    assert!(state.one.update_transaction(mark(1), b"new", NOW).await.unwrap());
    assert_eq!(state.two.transaction(mark(1), NOW).await.unwrap(), Some((Some(mark(9)), b"new".to_vec())));
    assert!(!state.two.update_transaction(mark(1), b"late", UNTIL).await.unwrap());
    assert!(!state.two.update_transaction(mark(2), b"new", NOW).await.unwrap());
}

pub(super) async fn are_taken_once(state: State) {
    state.one.add_transaction(mark(1), None, b"data", UNTIL).await.unwrap();
    assert_eq!(state.one.take_transaction(mark(1), UNTIL).await.unwrap(), None);
    assert_eq!(state.one.take_transaction(mark(1), NOW).await.unwrap(), Some(b"data".to_vec()));
    assert_eq!(state.two.take_transaction(mark(1), NOW).await.unwrap(), None);
    assert_eq!(state.two.transaction(mark(1), NOW).await.unwrap(), None);
    assert!(!state.two.update_transaction(mark(1), b"back", NOW).await.unwrap());
}

pub(super) async fn taken_at_once_go_to_one(state: State) {
    state.one.add_transaction(mark(1), None, b"data", UNTIL).await.unwrap();
    let outcomes =
        race(&state, |_, node| async move { node.take_transaction(mark(1), NOW).await.unwrap() }).await;
    assert_eq!(outcomes.into_iter().flatten().collect::<Vec<_>>(), [b"data".to_vec()]);
}
