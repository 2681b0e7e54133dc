//! `GET /api/server/applications`

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use postern_kernel::store::Application;
use serde_json::{Value, json};

use super::paging::{List, Paging};
use super::{Management, api};

pub(super) async fn list(State(management): State<Management>, Query(paging): Query<Paging>) -> Response {
    match management.installation.store.list_applications(paging.after.as_deref(), paging.limit()).await {
        Ok(page) => api::json(StatusCode::OK, &List::of(page, view)),
        Err(error) => api::unavailable(&error),
    }
}

fn view(application: Application) -> Value {
    // The store's text comes from the module and is JSON.
    let settings: Value = serde_json::from_str(&application.settings).unwrap_or(Value::Null);
    json!({
        "id": application.id,
        "module": application.module,
        "identifier": application.identifier,
        "name": application.name,
        "settings": settings,
        "has_secret": application.secret.is_some(),
        "disabled": application.disabled,
        "created_at": application.created_at,
    })
}
