//! `postern serve`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::output::Failure;
use crate::compose::{self, Opened};
use crate::config::{self, Configuration};
use crate::listener::{Limits, Listener, RefusedHead, Tls};
use crate::live::Current;
use crate::metrics::Metrics;
use crate::reload::{self, Reload};
use crate::{log, management, public};

/// How often keys are read again: another process may have rotated them.
const KEYS: Duration = Duration::from_secs(5);
/// How often what has expired is deleted.
const PURGE: Duration = Duration::from_secs(60);

pub(super) fn run(file: PathBuf) -> Result<(), Failure> {
    let configuration = config::load(&file).map_err(Failure::usage)?;
    log::start(&configuration.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("the runtime does not start: {error}")))?;
    runtime.block_on(serve(file, configuration))
}

async fn serve(file: PathBuf, configuration: Configuration) -> Result<(), Failure> {
    let applied = reload::look(&file, &configuration);
    // Certificates first: a mistake there is the most frequent one.
    let public_tls = compose::public_tls(&configuration)?;
    let management_tls = compose::management_tls(&configuration)?;
    let opened = Arc::new(Opened::open(&configuration).await?);
    let sandbox = Arc::new(compose::sandbox(&configuration)?);
    let modules = compose::load_modules(&sandbox, &configuration).await?;
    compose::provide_keys(&opened, &modules).await?;
    management::provide_token(&opened.installation, &configuration.management.token_file).await?;
    let current = Current::new(compose::live(&configuration, &opened, modules)?);
    let (public_tls, public_config) = watch::channel(public_tls);
    let (management_tls, management_config) = watch::channel(management_tls);
    let metrics = &opened.metrics;
    let limits = Limits::public(configuration.public.max_connections);
    let public = bind(configuration.public.listen, public_config, limits, "public", metrics).await?;
    let (address, limits) = (configuration.management.listen, Limits::management());
    let management = bind(address, management_config, limits, "management", metrics).await?;

    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve_public(public, stopped.clone(), current.clone(), Arc::clone(&opened)));
    let management_serving = tokio::spawn(serve_management(management, stopped, &opened));
    let keep_published = configuration.keys.keep_published.0;
    let reload = Reload {
        file,
        configuration,
        opened: Arc::clone(&opened),
        sandbox,
        current,
        public_tls,
        management_tls,
        applied,
    };
    let chores = [
        tokio::spawn(reload.watch()),
        tokio::spawn(read_keys(Arc::clone(&opened))),
        tokio::spawn(purge(opened, keep_published)),
    ];
    wait_for_signal().await?;
    tracing::info!("stopping: requests under way are finished");
    let _ = stop.send(true);
    for chore in chores {
        chore.abort();
    }
    let _ = serving.await;
    let _ = management_serving.await;
    Ok(())
}

async fn bind(
    address: std::net::SocketAddr,
    tls: Tls,
    limits: Limits,
    name: &'static str,
    metrics: &Arc<Metrics>,
) -> Result<Listener, Failure> {
    let failed = |error| Failure::new(format!("{name}.listen: {address}: {error}"));
    let listener = Listener::bind(address, tls, limits, name, Arc::clone(metrics)).await.map_err(failed)?;
    tracing::info!(address = %listener.address().map_err(failed)?, "{name} listener");
    Ok(listener)
}

fn serve_public(
    listener: Listener,
    stopped: watch::Receiver<bool>,
    current: Current,
    opened: Arc<Opened>,
) -> impl Future<Output = ()> + Send + 'static {
    listener.serve(stopped, move |peer, request| {
        public::answer(current.get(), Arc::clone(&opened.metrics), peer, request)
    })
}

fn serve_management(
    listener: Listener,
    stopped: watch::Receiver<bool>,
    opened: &Opened,
) -> impl Future<Output = ()> + Send + 'static {
    let router = management::router(management::Management {
        installation: Arc::clone(&opened.installation),
        metrics: Arc::clone(&opened.metrics),
    });
    let installation = Arc::clone(&opened.installation);
    listener.serve(stopped, move |peer, request: Request<Incoming>| {
        let (router, installation) = (router.clone(), Arc::clone(&installation));
        async move {
            if let Some(head) = request.extensions().get::<Arc<RefusedHead>>() {
                return management::refused(&installation, peer, &head.refusal);
            }
            let Ok(response) = router.oneshot(request.map(Body::new)).await;
            response
        }
    })
}

async fn read_keys(opened: Arc<Opened>) {
    loop {
        tokio::time::sleep(KEYS).await;
        if let Err(error) = opened.keys.reload().await {
            tracing::error!(%error, "keys not read again: those of before stay in use");
        }
    }
}

async fn purge(opened: Arc<Opened>, keep_published: u64) {
    loop {
        tokio::time::sleep(PURGE).await;
        let now = opened.installation.clock.now();
        match opened.installation.store.purge(now).await {
            Ok(0) => {}
            Ok(records) => tracing::debug!(records, "expired records deleted"),
            Err(error) => tracing::error!(%error, "expired records not deleted"),
        }
        let before = postern_kernel::clock::Timestamp(now.0.saturating_sub(keep_published));
        if let Err(error) = opened.keys.remove_retired_before(before).await {
            tracing::error!(%error, "retired keys not removed");
        }
    }
}

async fn wait_for_signal() -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::new(format!("signals: {error}")));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
