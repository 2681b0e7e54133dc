//! `GET /api/server/sessions`

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use postern_kernel::store::Session;
use serde_json::{Value, json};

use super::paging::{List, Paging};
use super::{Management, api};

pub(super) async fn list(State(management): State<Management>, Query(paging): Query<Paging>) -> Response {
    let installation = &management.installation;
    let now = installation.clock.now();
    match installation.store.list_sessions(now, paging.after.as_deref(), paging.limit()).await {
        Ok(page) => api::json(StatusCode::OK, &List::of(page, view)),
        Err(error) => api::unavailable(&error),
    }
}

/// Without the fingerprint of the cookie's secret.
fn view(session: Session) -> Value {
    json!({
        "id": session.id,
        "subject": session.subject,
        "username": session.username,
        "context": session.context,
        "methods": session.methods,
        "authenticated_at": session.authenticated_at,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
    })
}
