use postern_kernel::store::{AddError, Application};

use super::State;
use super::fixtures::{NOW, add_applications, application, grant, session};

pub(super) async fn are_found_by_id_and_identifier(state: State) {
    let wiki = application("a-1", "oidc", "https://wiki");
    let public = Application { secret: None, ..application("a-2", "oidc", "Https://wiki") };
    state.one.add_application(&wiki).await.unwrap();
    state.one.add_application(&public).await.unwrap();
    assert_eq!(state.two.application("a-1").await.unwrap(), Some(wiki.clone()));
    assert_eq!(state.two.application_by_identifier("oidc", "https://wiki").await.unwrap(), Some(wiki));
    assert_eq!(state.two.application_by_identifier("oidc", "Https://wiki").await.unwrap(), Some(public));
    assert_eq!(state.two.application_by_identifier("saml2", "https://wiki").await.unwrap(), None);
    assert_eq!(state.two.application("https://wiki").await.unwrap(), None);
}

pub(super) async fn have_identifiers_that_are_unique_in_their_module(state: State) {
    state.one.add_application(&application("a-1", "oidc", "x")).await.unwrap();
    state.one.add_application(&application("a-2", "saml2", "x")).await.unwrap();
    for (id, identifier) in [("a-3", "x"), ("a-1", "y")] {
        let added = state.two.add_application(&application(id, "oidc", identifier)).await;
        assert!(matches!(added, Err(AddError::Exists)), "{added:?}");
    }
}

pub(super) async fn are_listed_by_module_and_identifier(state: State) {
    let all = [("saml2", "a b"), ("oidc", "z"), ("saml2", "a"), ("oidc", "b"), ("saml2", "a b c")];
    for (number, (module, identifier)) in all.iter().enumerate() {
        state.one.add_application(&application(&format!("a-{number}"), module, identifier)).await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = state.two.list_applications(after.as_deref(), 1).await.unwrap();
        found.extend(page.items.into_iter().map(|item| format!("{}/{}", item.module, item.identifier)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ["oidc/b", "oidc/z", "saml2/a", "saml2/a b", "saml2/a b c"]);
}

pub(super) async fn change(state: State) {
    state.one.add_application(&application("a-1", "oidc", "x")).await.unwrap();
    let changed = Application {
        name: "Shop".into(),
        settings: "{}".into(),
        secret: None,
        disabled: true,
        ..application("a-1", "oidc", "x")
    };
    assert!(state.one.update_application(&changed).await.unwrap());
    assert_eq!(state.two.application("a-1").await.unwrap(), Some(changed));
    assert!(!state.one.update_application(&application("a-2", "oidc", "y")).await.unwrap());
    // Neither identifier nor module change.
    state.one.update_application(&application("a-1", "saml2", "z")).await.unwrap();
    assert!(state.two.application_by_identifier("oidc", "x").await.unwrap().is_some());
}

pub(super) async fn take_what_belongs_to_them_along(state: State) {
    add_applications(state.one.as_ref()).await;
    state.one.add_session(&session("s", 1, "alice")).await.unwrap();
    for id in ["wiki", "shop"] {
        state.one.join_session("s", id, &format!("index-{id}")).await.unwrap();
        state.one.add_grant(&grant(&format!("grant-{id}"), id, None)).await.unwrap();
        state.one.add_consents("alice", id, &["openid".into()], NOW).await.unwrap();
    }
    assert!(state.two.remove_application("wiki").await.unwrap());
    assert!(!state.two.remove_application("wiki").await.unwrap());
    assert_eq!(state.one.application("wiki").await.unwrap(), None);
    assert_eq!(state.one.grant("oidc", "grant-wiki", NOW).await.unwrap(), None);
    assert!(state.one.consents("alice", "wiki").await.unwrap().is_empty());
    assert_eq!(state.one.participants("s").await.unwrap().len(), 1);
    assert!(state.one.grant("oidc", "grant-shop", NOW).await.unwrap().is_some());
    assert_eq!(state.one.consents("alice", "shop").await.unwrap(), ["openid"]);
}
