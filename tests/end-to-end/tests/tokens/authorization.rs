//! Authorization requests at the token validator with no other filter in front.
use serde_json::json;

use crate::world::{KeyHost, World, good, issuer};

const GOOD: &str = "response_type=code&client_id=shop&redirect_uri=https%3A%2F%2Fshop.example.com%2Fcb&state=s\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

/// One place for parameters: the query of a GET, the body of a POST. A body in pieces is judged whole.
#[test]
fn an_authorization_request_has_its_parameters_in_one_place() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({
        "issuers": [issuer()],
        "routes": [{ "match": { "prefix": "/orders" } }],
        "authorization": {
            "paths": ["/authorize"],
            "clients": [{
                "client_id": "shop", "redirect_uris": ["https://shop.example.com/cb"], "require_pkce": true,
            }],
        },
    });
    let world = World::start(&configuration, &[&host]);
    let verdict = |method: &str, query: &str, framing: &str, body: &str| {
        let before = world.proxy.logged();
        world.upstream.take();
        let request = format!(
            "{method} /authorize{query} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\n{framing}\r\n{body}",
            world.origin.authority()
        );
        let answer = world.origin.exchange(request.as_bytes()).expect("an answer");
        let reached = world.upstream.take().len();
        assert_eq!(reached, usize::from(answer.status == 200), "{method} {query} {body}");
        (answer.status, world.proxy.logged_after(before).reason)
    };
    let refused = |code: &str| (400, code.to_owned());
    let query = format!("?{GOOD}");
    let length = |body: &str| format!("content-length: {}\r\n", body.len());
    let chunked = "transfer-encoding: chunked\r\n";
    let pieces = |body: &str| {
        let pieces = body
            .as_bytes()
            .chunks(7)
            .map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
        pieces.chain(["0\r\n\r\n".to_owned()]).collect::<String>()
    };
    assert_eq!(verdict("GET", &query, "", "").0, 200);
    assert_eq!(verdict("POST", "", &length(GOOD), GOOD).0, 200);
    assert_eq!(verdict("POST", "", chunked, &pieces(GOOD)).0, 200);

    let evil = "redirect_uri=https%3A%2F%2Fevil.example%2Fcb";
    for (framing, body) in [(length(evil), evil.to_owned()), (chunked.to_owned(), pieces(evil))] {
        assert_eq!(verdict("GET", &query, &framing, &body), refused("oidc.body.unexpected"));
        assert_eq!(verdict("POST", &query, &framing, &body), refused("oidc.query.unexpected"));
    }
    let twice = format!("{GOOD}&{evil}");
    assert_eq!(verdict("GET", &format!("?{twice}"), "", ""), refused("form.duplicate"));
    assert_eq!(verdict("POST", "", chunked, &pieces(&twice)), refused("form.duplicate"));
    let hidden = format!("{GOOD}&redirect%5Furi=https%3A%2F%2Fevil.example%2Fcb");
    assert_eq!(verdict("POST", "", chunked, &pieces(&hidden)), refused("form.name.encoded"));
}
