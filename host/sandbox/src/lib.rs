//! Components in wasmtime: one fresh instance a request, with limits
