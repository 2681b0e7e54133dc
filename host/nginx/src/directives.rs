//! The directives, each read as far as it goes where it stands: an error names file and line.

use std::ffi::{CStr, c_char, c_void};
use std::fs;
use std::path::PathBuf;
use std::ptr;

use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_BLOCK, NGX_CONF_NOARGS, NGX_CONF_TAKE1, NGX_CONF_TAKE2, NGX_CONF_TAKE12,
    NGX_HTTP_LOC_CONF, NGX_HTTP_LOC_CONF_OFFSET, NGX_HTTP_MAIN_CONF, NGX_HTTP_MAIN_CONF_OFFSET,
    NGX_HTTP_SRV_CONF, NGX_OK, ngx_command_t, ngx_conf_full_name, ngx_conf_t, ngx_int_t, ngx_parse_size,
    ngx_str_t, ngx_uint_t,
};
use postern_proxy_wasm::Engine;

use crate::cluster::Cluster;
use crate::configuration::{FilterSettings, Location, Main};
use crate::guarded::guarded;
use crate::ngx::{log, text};
use crate::{compiled, inline_json, module, worker};

type Setter = unsafe extern "C" fn(*mut ngx_conf_t, *mut ngx_command_t, *mut c_void) -> *mut c_char;

const fn directive(name: &'static CStr, places: u32, set: Setter, level: usize) -> ngx_command_t {
    ngx_command_t {
        // nginx reads it up to the NUL.
        name: text::literal(name.to_bytes()),
        type_: places as ngx_uint_t,
        set: Some(set),
        conf: level as ngx_uint_t,
        offset: 0,
        post: ptr::null_mut(),
    }
}

const ANYWHERE: u32 = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;
const MAIN: usize = NGX_HTTP_MAIN_CONF_OFFSET;
const LOCATION: usize = NGX_HTTP_LOC_CONF_OFFSET;

pub(crate) static mut COMMANDS: [ngx_command_t; 12] = [
    directive(c"postern_module", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2, set_module, MAIN),
    directive(c"postern_cluster", NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, set_cluster, MAIN),
    directive(c"postern_environment", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_environment, MAIN),
    directive(c"postern_shared_memory", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_shared_memory, MAIN),
    directive(c"postern_time_limit", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_time_limit, MAIN),
    directive(c"postern_wait_limit", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_wait_limit, MAIN),
    directive(c"postern_memory_limit", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_memory_limit, MAIN),
    directive(c"postern_filter", ANYWHERE | NGX_CONF_TAKE12, set_filter, LOCATION),
    directive(c"postern_filter_inline", ANYWHERE | NGX_CONF_BLOCK | NGX_CONF_TAKE1, set_inline, LOCATION),
    directive(c"postern_body_limit", ANYWHERE | NGX_CONF_TAKE1, set_body_limit, LOCATION),
    directive(c"postern_metrics", NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_metrics, LOCATION),
    ngx_command_t::empty(),
];

/// Filters of one location: a bit each.
const MOST_FILTERS: usize = 32;

macro_rules! setter {
    ($name:ident, $inner:ident, $conf:ty) => {
        unsafe extern "C" fn $name(
            cf: *mut ngx_conf_t,
            _: *mut ngx_command_t,
            conf: *mut c_void,
        ) -> *mut c_char {
            guarded(stringify!($name), usize::MAX as *mut c_char, || {
                // SAFETY: nginx's; the value is the one that it asked us for at this level.
                unsafe {
                    let words = words(cf);
                    match $inner(cf, &mut *conf.cast::<$conf>(), &words) {
                        Ok(()) => ptr::null_mut(),
                        Err(error) => log::configuration(cf, &format!("postern: {error}")),
                    }
                }
            })
        }
    };
}

setter!(set_module, module_named, Main);
setter!(set_cluster, cluster, Main);
setter!(set_environment, environment, Main);
setter!(set_shared_memory, shared_memory, Main);
setter!(set_time_limit, time_limit, Main);
setter!(set_wait_limit, wait_limit, Main);
setter!(set_memory_limit, memory_limit, Main);
setter!(set_filter, filter, Location);
setter!(set_inline, inline, Location);
setter!(set_metrics, metrics, Location);
setter!(set_body_limit, body_limit, Location);

/// The directive's arguments.
unsafe fn words<'a>(cf: *mut ngx_conf_t) -> Vec<&'a str> {
    // SAFETY: nginx's.
    unsafe {
        let all = (*(*cf).args).as_slice::<ngx_str_t>();
        all.iter().skip(1).map(|word| std::str::from_utf8(text::bytes(*word)).unwrap_or("\u{fffd}")).collect()
    }
}

unsafe fn module_named(cf: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    let [name, path] = words else { return Err("a name and a file are needed".into()) };
    if main.modules.iter().any(|module| module.name() == *name) {
        return Err(format!("there is a postern_module \"{name}\" already"));
    }
    // SAFETY: nginx's.
    let path = unsafe { full(cf, path) }?;
    let wasm = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if main.engine.is_none() {
        main.engine = Some(Engine::new().map_err(|error| error.to_string())?);
    }
    let engine = main.engine.as_ref().ok_or("no engine")?;
    let compiled = compiled::module(engine, name, &wasm);
    main.modules.push(compiled.map_err(|error| format!("{}: {error}", path.display()))?);
    Ok(())
}

/// A variable that filters see. It is read here, in the master: nginx takes it from its workers.
unsafe fn environment(_: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    let [name] = words else { return Err("the name of a variable is needed".into()) };
    #[allow(clippy::disallowed_methods, reason = "what the operator lets filters see of it")]
    let value = std::env::var(name).map_err(|_| format!("{name} is not in nginx's environment"))?;
    main.environment.push(((*name).to_owned(), value));
    Ok(())
}

/// `postern_filter <module> [<configuration.json>]`, or `postern_filter off`.
unsafe fn filter(cf: *mut ngx_conf_t, location: &mut Location, words: &[&str]) -> Result<(), String> {
    if words == ["off"] {
        if !location.filters.is_empty() {
            return Err("\"postern_filter off\" beside other filters".into());
        }
        location.is_set = true;
        return Ok(());
    }
    let Some((name, path)) = words.split_first() else { return Err("a module is needed".into()) };
    match path.first() {
        // SAFETY: nginx's.
        None => unsafe { append(cf, location, name, Vec::new()) },
        Some(path) => {
            // SAFETY: nginx's.
            let path = unsafe { full(cf, path) }?;
            let configuration = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            // SAFETY: nginx's.
            let appended = unsafe { append(cf, location, name, configuration) };
            appended.map_err(|error| format!("{}: {error}", path.display()))
        }
    }
}

/// `postern_filter_inline <module> { … }`: the braces are those of the JSON.
unsafe fn inline(cf: *mut ngx_conf_t, location: &mut Location, words: &[&str]) -> Result<(), String> {
    let Some(name) = words.first() else { return Err("a module is needed".into()) };
    // SAFETY: nginx's.
    unsafe {
        let configuration = inline_json::take(cf)?;
        append(cf, location, name, configuration)
    }
}

/// One filter more for the location.
unsafe fn append(
    cf: *mut ngx_conf_t,
    location: &mut Location,
    name: &str,
    configuration: Vec<u8>,
) -> Result<(), String> {
    if location.is_set && location.filters.is_empty() {
        return Err("\"postern_filter off\" stands here too".into());
    }
    // SAFETY: nginx's; of `create_main`.
    let main = unsafe { &mut *module::main_of(cf).cast::<Main>() };
    let module = main.modules.iter().position(|module| module.name() == name);
    let module = module.ok_or_else(|| {
        format!("no postern_module \"{name}\": it has to stand before the filters, in http")
    })?;
    let settings = FilterSettings { module, configuration };
    let place = match main.filters.iter().position(|known| *known == settings) {
        Some(place) => place,
        None => {
            worker::check(main, &settings)?;
            main.filters.push(settings);
            main.filters.len() - 1
        }
    };
    if location.filters.len() >= MOST_FILTERS {
        return Err(format!("more than {MOST_FILTERS} filters in one place"));
    }
    location.filters.push(place);
    location.is_set = true;
    Ok(())
}

unsafe fn cluster(cf: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    // SAFETY: nginx's.
    let cluster = unsafe { Cluster::read(cf, words) }?;
    if main.clusters.iter().any(|known| known.name == cluster.name) {
        return Err(format!("there is a postern_cluster \"{}\" already", cluster.name));
    }
    main.clusters.push(cluster);
    Ok(())
}

unsafe fn shared_memory(_: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    main.zone_size = size(words, 256 << 10)?;
    Ok(())
}

unsafe fn memory_limit(_: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    if !main.filters.is_empty() {
        return Err("postern_memory_limit has to stand before the filters".into());
    }
    main.memory_limit = size(words, 4 << 20)?;
    Ok(())
}

unsafe fn body_limit(_: *mut ngx_conf_t, location: &mut Location, words: &[&str]) -> Result<(), String> {
    location.body_limit = Some(size(words, 1)?);
    Ok(())
}

unsafe fn metrics(cf: *mut ngx_conf_t, _: &mut Location, _: &[&str]) -> Result<(), String> {
    // SAFETY: nginx's.
    unsafe { crate::metrics::serve(cf) };
    Ok(())
}

unsafe fn time_limit(_: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    let milliseconds = words.first().and_then(|word| word.strip_suffix("ms")?.parse().ok());
    main.time_limit = milliseconds
        .filter(|limit| (20..=10_000).contains(limit))
        .ok_or("a time from 20ms to 10000ms is needed, such as 200ms")?;
    Ok(())
}

unsafe fn wait_limit(_: *mut ngx_conf_t, main: &mut Main, words: &[&str]) -> Result<(), String> {
    let seconds = words.first().and_then(|word| word.strip_suffix('s')?.parse::<u64>().ok());
    let seconds = seconds.filter(|limit| (1..=600).contains(limit));
    main.wait_limit = 1000 * seconds.ok_or("a time from 1s to 600s is needed, such as 30s")?;
    Ok(())
}

/// A size as nginx writes it, such as `64k`.
fn size(words: &[&str], least: usize) -> Result<usize, String> {
    let word = words.first().copied().unwrap_or_default();
    let mut bytes = word.as_bytes().to_vec();
    let mut line = ngx_str_t { len: bytes.len(), data: bytes.as_mut_ptr() };
    // SAFETY: a live buffer.
    let size = unsafe { ngx_parse_size(&raw mut line) };
    usize::try_from(size)
        .ok()
        .filter(|size| *size >= least)
        .ok_or_else(|| format!("\"{word}\" is no size, or smaller than {least} bytes"))
}

/// A path, which begins at the folder of the configuration when it is relative.
unsafe fn full(cf: *mut ngx_conf_t, path: &str) -> Result<PathBuf, String> {
    // SAFETY: nginx's.
    unsafe {
        let mut name = text::copied((*cf).pool, path.as_bytes()).ok_or("no memory")?;
        if ngx_conf_full_name((*cf).cycle, &raw mut name, 1) != NGX_OK as ngx_int_t {
            return Err("no memory".into());
        }
        Ok(PathBuf::from(String::from_utf8_lossy(text::bytes(name)).into_owned()))
    }
}
