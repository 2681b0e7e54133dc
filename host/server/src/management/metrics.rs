//! `/metrics`: for Prometheus. Counts only, nothing of people, so no token is asked for.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::Management;

pub(super) async fn text(State(management): State<Management>) -> Response {
    let mut response = management.metrics.text().into_response();
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
