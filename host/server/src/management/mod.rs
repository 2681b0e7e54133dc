//! The management listener: health, metrics, and an API for administrators. Another socket than
//! the public one; nothing here is ever reachable through the DMZ.

mod api;
mod applications;
mod health;
mod metrics;
mod paging;
mod refused;
mod sessions;
mod token;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use postern_kernel::services::Installation;

use crate::metrics::Metrics;

pub(crate) use refused::refused;
pub(crate) use token::{provide as provide_token, renew as renew_token};

/// What the handlers know.
#[derive(Clone)]
pub(crate) struct Management {
    pub(crate) installation: Arc<Installation>,
    pub(crate) metrics: Arc<Metrics>,
}

/// All routes.
pub(crate) fn router(management: Management) -> Router {
    let api = Router::new()
        .route("/sessions", get(sessions::list))
        .route("/users", get(users::list))
        .route("/applications", get(applications::list))
        .layer(middleware::from_fn_with_state(management.clone(), token::require));
    Router::new()
        .route("/health", get(health::ready))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::text))
        .nest("/api/server", api)
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .with_state(management)
}
