//! What a module exports.

use wasmtime::{AsContextMut, ExternType, Instance, TypedFunc, ValType};

/// The exports that this host calls: names, and how many 32-bit numbers they take and give. All but
/// the allocator are optional.
const CALLBACKS: [(&str, usize, usize); 21] = [
    ("_initialize", 0, 0),
    ("_start", 0, 0),
    ("main", 2, 1),
    ("proxy_on_memory_allocate", 1, 1),
    ("malloc", 1, 1),
    ("proxy_on_context_create", 2, 0),
    ("proxy_on_vm_start", 2, 1),
    ("proxy_on_configure", 2, 1),
    ("proxy_on_tick", 1, 0),
    ("proxy_on_queue_ready", 2, 0),
    ("proxy_on_http_call_response", 5, 0),
    ("proxy_on_request_headers", 3, 1),
    ("proxy_on_request_body", 3, 1),
    ("proxy_on_request_trailers", 2, 1),
    ("proxy_on_response_headers", 3, 1),
    ("proxy_on_response_body", 3, 1),
    ("proxy_on_response_trailers", 2, 1),
    ("proxy_on_done", 1, 1),
    ("proxy_on_log", 1, 0),
    ("proxy_on_delete", 1, 0),
    ("proxy_on_foreign_function", 3, 0),
];

/// The first export that has another type than the ABI says.
pub(crate) fn unfit(module: &wasmtime::Module) -> Option<&'static str> {
    let unfit = |(name, parameters, results): &(&'static str, usize, usize)| {
        let numbers = |types: Vec<ValType>, count: usize| {
            types.len() == count && types.iter().all(|one| matches!(one, ValType::I32))
        };
        match module.get_export(name)? {
            ExternType::Func(function)
                if numbers(function.params().collect(), *parameters)
                    && numbers(function.results().collect(), *results) =>
            {
                None
            }
            _ => Some(*name),
        }
    };
    CALLBACKS.iter().find_map(unfit)
}

/// None for one that the module does not have.
type Callback<P, R> = Option<TypedFunc<P, R>>;

/// The callbacks of an instance, resolved once.
pub(crate) struct Callbacks {
    pub(crate) context_create: Callback<(u32, u32), ()>,
    pub(crate) vm_start: Callback<(u32, u32), u32>,
    pub(crate) configure: Callback<(u32, u32), u32>,
    pub(crate) tick: Callback<u32, ()>,
    pub(crate) queue_ready: Callback<(u32, u32), ()>,
    pub(crate) http_call_response: Callback<(u32, u32, u32, u32, u32), ()>,
    /// Headers, by direction.
    pub(crate) headers: [Callback<(u32, u32, u32), u32>; 2],
    /// Body, by direction.
    pub(crate) body: [Callback<(u32, u32, u32), u32>; 2],
    /// Trailers, by direction.
    pub(crate) trailers: [Callback<(u32, u32), u32>; 2],
    pub(crate) done: Callback<u32, u32>,
    pub(crate) log: Callback<u32, ()>,
    pub(crate) delete: Callback<u32, ()>,
}

impl Callbacks {
    pub(crate) fn resolve(mut store: impl AsContextMut, instance: &Instance) -> Self {
        // A missing one is not called; one of another type was refused with the module.
        macro_rules! find {
            ($name:literal) => {
                instance.get_typed_func(&mut store, $name).ok()
            };
        }
        Self {
            context_create: find!("proxy_on_context_create"),
            vm_start: find!("proxy_on_vm_start"),
            configure: find!("proxy_on_configure"),
            tick: find!("proxy_on_tick"),
            queue_ready: find!("proxy_on_queue_ready"),
            http_call_response: find!("proxy_on_http_call_response"),
            headers: [find!("proxy_on_request_headers"), find!("proxy_on_response_headers")],
            body: [find!("proxy_on_request_body"), find!("proxy_on_response_body")],
            trailers: [find!("proxy_on_request_trailers"), find!("proxy_on_response_trailers")],
            done: find!("proxy_on_done"),
            log: find!("proxy_on_log"),
            delete: find!("proxy_on_delete"),
        }
    }
}
