//! gRPC calls: this host has none, and says so.

use wasmtime::Linker;

use super::Guest;
use crate::data::Data;
use crate::host::Host;
use crate::status::Status;

const NO: u32 = Status::Unimplemented as u32;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_grpc_call",
        |_: Guest<'_, H>,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32,
         _: u32| NO,
    )?;
    linker.func_wrap(
        "env",
        "proxy_grpc_stream",
        |_: Guest<'_, H>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NO,
    )?;
    linker.func_wrap("env", "proxy_grpc_send", |_: Guest<'_, H>, _: u32, _: u32, _: u32, _: u32| NO)?;
    linker.func_wrap("env", "proxy_grpc_cancel", |_: Guest<'_, H>, _: u32| NO)?;
    linker.func_wrap("env", "proxy_grpc_close", |_: Guest<'_, H>, _: u32| NO)?;
    Ok(())
}
