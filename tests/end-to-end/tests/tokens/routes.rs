//! What routes demand of a good token, and what they make of it.
use serde_json::json;

use crate::world::{KeyHost, World, good, issuer, token};

#[test]
fn a_route_judges_claims_and_hands_them_on() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({
        "issuers": [issuer()],
        "routes": [
            { "match": { "prefix": "/orders" }, "scopes": ["orders.read"] },
            {
                "match": { "prefix": "/ops" },
                "clients": ["shop", "console"],
                "max_token_lifetime_seconds": 300,
                "claims": [
                    { "claim": ["realm_access", "roles"], "any_of": ["ops", "admin"] },
                    { "claim": "groups", "all_of": ["staff"] },
                ],
                "claims_to_headers": [
                    { "claim": ["realm_access", "roles"], "header": "x-postern-roles" },
                    { "claim": "name", "header": "x-postern-name" },
                    { "claim": "absent", "header": "x-postern-absent" },
                ],
                "claims_to_log": ["sub", ["realm_access", "roles"]],
            },
        ],
    });
    let world = World::start(&configuration, &[&host]);
    world.await_status(&token("idp-ec", json!({})), 200, 503);
    let claims = |roles: &[&str], groups: serde_json::Value, client: &str| {
        json!({
            "realm_access": { "roles": roles }, "groups": groups, "client_id": client,
            "name": "Zoë\r\nx-postern-subject: root",
        })
    };
    let good = claims(&["ops", "ä\"\r\n"], json!(["staff", "all"]), "shop");
    let (answer, reason, reached) = world.ask("/ops/1", &token("idp-ec", good));
    assert_eq!((answer.status, reached.len()), (200, 1), "{reason}");
    let headers = reached[0].headers();
    let value = |name: &str| {
        let found: Vec<&str> =
            headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect();
        found.join("|")
    };
    assert_eq!(value("x-postern-subject"), "alice");
    assert_eq!(value("x-postern-client-id"), "shop");
    assert_eq!(value("x-postern-scope"), "orders.read");
    assert_eq!(value("x-postern-roles"), r#"["ops","\u00e4\"\r\n"]"#);
    assert_eq!(value("x-postern-name"), "Zo%C3%AB%0D%0Ax-postern-subject: root");
    assert_eq!(value("x-postern-absent"), "");
    assert_eq!(world.logged_token(), json!({ "sub": "alice", "realm_access/roles": ["ops", "ä\"\r\n"] }));

    let challenge = "Bearer error=\"insufficient_scope\"";
    for (what, claims, status, code) in [
        ("no role", claims(&[], json!(["staff"]), "shop"), 403, "token.claim.insufficient"),
        ("another role", claims(&["op"], json!(["staff"]), "shop"), 403, "token.claim.insufficient"),
        (
            "a group in another type",
            claims(&["ops"], json!({"staff": 1}), "shop"),
            403,
            "token.claim.insufficient",
        ),
        ("another client", claims(&["ops"], json!("staff"), "attic"), 403, "token.client.not-allowed"),
    ] {
        let (answer, reason, reached) = world.ask("/ops", &token("idp-ec", claims));
        assert_eq!((answer.status, reason.as_str(), reached.len()), (status, code, 0), "{what}");
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{what}");
    }
    let mut long = claims(&["ops"], json!("staff"), "shop");
    long["exp"] = json!(4_000_000_000_u64);
    let (answer, reason, _) = world.ask("/ops", &token("idp-ec", long));
    assert_eq!((answer.status, reason.as_str()), (401, "token.lifetime.too-long"));
    let (answer, reason, _) = world.ask("/orders", &token("idp-ec", json!({ "scope": "openid" })));
    assert_eq!((answer.status, reason.as_str()), (403, "token.scope.insufficient"));
    let scoped = Some("Bearer error=\"insufficient_scope\", scope=\"orders.read\"");
    assert_eq!(answer.header("www-authenticate"), scoped);
}
