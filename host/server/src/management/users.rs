//! `GET /api/server/users`

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use postern_kernel::store::User;
use serde_json::{Value, json};

use super::paging::{List, Paging};
use super::{Management, api};

pub(super) async fn list(State(management): State<Management>, Query(paging): Query<Paging>) -> Response {
    match management.installation.store.list_users(paging.after.as_deref(), paging.limit()).await {
        Ok(page) => api::json(StatusCode::OK, &List::of(page, view)),
        Err(error) => api::unavailable(&error),
    }
}

fn view(user: User) -> Value {
    let claims: serde_json::Map<String, Value> =
        user.claims.into_iter().map(|claim| (claim.name, Value::from(claim.values))).collect();
    json!({
        "subject": user.subject,
        "username": user.username,
        "disabled": user.disabled,
        "claims": claims,
        "created_at": user.created_at,
    })
}
