//! `/health/live`: the process answers. `/health/ready`: it can sign people in.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::{Management, api};

pub(super) async fn live() -> Response {
    api::json(StatusCode::OK, &json!({ "status": "up" }))
}

pub(super) async fn ready(State(management): State<Management>) -> Response {
    match management.installation.store.ping().await {
        Ok(()) => api::json(StatusCode::OK, &json!({ "status": "up" })),
        Err(error) => {
            tracing::error!(%error, "not ready");
            api::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "down", "what": error.what }))
        }
    }
}
