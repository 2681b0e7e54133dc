//! `postern_metrics`: counters and gauges of the filters, as Prometheus reads them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use nginx_sys::{
    NGX_ERROR, ngx_conf_t, ngx_http_conf_ctx_t, ngx_http_core_loc_conf_t, ngx_http_core_module,
    ngx_http_request_t, ngx_int_t,
};
use postern_proxy_wasm::MetricKind;

use crate::answer::Answer;
use crate::configuration::Main;
use crate::guarded::guarded;
use crate::module::main_of_request;
use crate::shared::Zone;

/// The location answers with the metrics.
///
/// # Safety
/// `cf` is nginx's, in a directive of a location.
pub(crate) unsafe fn serve(cf: *mut ngx_conf_t) {
    // SAFETY: the caller's.
    unsafe {
        let context = (*cf).ctx.cast::<ngx_http_conf_ctx_t>();
        let core = *(*context).loc_conf.add(ngx_http_core_module.ctx_index);
        (*core.cast::<ngx_http_core_loc_conf_t>()).handler = Some(on_request);
    }
}

unsafe extern "C" fn on_request(request: *mut ngx_http_request_t) -> ngx_int_t {
    guarded("the metrics", NGX_ERROR as ngx_int_t, || {
        // SAFETY: nginx's request; the configuration outlives it.
        unsafe {
            let main = &*main_of_request(request).cast::<Main>();
            let text = Zone::of(main.zone).map(|zone| text(&zone)).unwrap_or_default();
            Answer::text(200, "text/plain; version=0.0.4; charset=utf-8", text).write(request)
        }
    })
}

fn text(zone: &Zone) -> String {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for (name, kind, value) in zone.metrics() {
        let is_sum = kind == MetricKind::Histogram as u8;
        let is_counter = is_sum || kind == MetricKind::Counter as u8;
        let mut name: String = name
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
            .collect();
        if is_sum {
            name.push_str("_sum");
        }
        if is_counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        // Two names that become one: the first counts.
        if seen.insert(name.clone()) {
            let kind = if is_counter { "counter" } else { "gauge" };
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        }
    }
    text
}
