//! Hostile guest: a protocol whose behaviour is the query of the request. The sandbox's tests call
//! it beside good ones.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]

mod answers;
mod crimes;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/protocol.wit")]
mod bindings {
    wit_bindgen::generate!({ world: "protocol-module", path: "../../../wit" });
}

use bindings::exports::postern::idp::protocol::{Description, Guest, Outcome, Registration, SignOn};
use bindings::postern::idp::types::{Audience, Endpoint, Method, Refusal, Request, Response};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Description {
        Description {
            name: "hostile".into(),
            title: "Hostile".into(),
            endpoints: vec![Endpoint {
                path: "/hostile".into(),
                methods: vec![Method::Get, Method::Post],
                content_types: vec!["application/octet-stream".into()],
                max_body: 65_536,
                max_query: 1_024,
                query_parameters: Vec::new(),
                ignores_other_parameters: true,
                audience: Audience::Machine,
            }],
            signing: Vec::new(),
            edge_fields: Vec::new(),
        }
    }

    fn handle(request: Request) -> Outcome {
        match request.query.as_str() {
            "good" => Outcome::Respond(answers::text("good")),
            "good-with-import" => Outcome::Respond(answers::found_nobody()),
            "echo" => Outcome::Respond(answers::echo(request)),
            "demand-too-large-state" => answers::demand_with_state(16 * 1024 + 1),
            "demand-largest-state" => answers::demand_with_state(16 * 1024),
            other => match crimes::commit(other) {
                Some(response) => Outcome::Respond(response),
                None => Outcome::Respond(answers::named(other)),
            },
        }
    }

    fn resume(state: Vec<u8>, _result: SignOn) -> Response {
        answers::bytes(state)
    }

    fn logged_out(_state: Vec<u8>, ended: bool) -> Response {
        if ended { Response::SignedOut } else { answers::text("kept") }
    }

    fn register(source: Vec<u8>) -> Result<Registration, Refusal> {
        answers::registration(source)
    }
}

bindings::export!(Hostile with_types_in bindings);
