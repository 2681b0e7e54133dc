//! Functions beyond the ABI.

use wasmtime::Linker;

use super::{Guest, Stop, answer, give_scratch, parts, slice, take_scratch};
use crate::data::{Data, Target};
use crate::host::Host;

pub(super) fn link<H: Host>(linker: &mut Linker<Data<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_call_foreign_function",
        |mut guest: Guest<'_, H>,
         name: u32,
         name_size: u32,
         arguments: u32,
         arguments_size: u32,
         data_at: u32,
         size_at: u32| {
            answer(call(&mut guest, (name, name_size), (arguments, arguments_size), data_at, size_at))
        },
    )?;
    Ok(())
}

fn call<H: Host>(
    guest: &mut Guest<'_, H>,
    name: (u32, u32),
    arguments: (u32, u32),
    data_at: u32,
    size_at: u32,
) -> Result<(), Stop> {
    let (memory, data) = parts(guest)?;
    let (name, arguments) = (slice(memory, name.0, name.1)?, slice(memory, arguments.0, arguments.1)?);
    let mut results = take_scratch(data);
    let stream = match data.target() {
        Target::Stream(context) => data.streams.get_mut(&context).and_then(|context| context.stream.as_mut()),
        Target::Root(_) | Target::Nobody => None,
    };
    if let Err(status) = data.host.call_foreign_function(stream, name, arguments, &mut results) {
        data.scratch = results;
        return Err(status.into());
    }
    // A caller that wants no results says so with two null pointers.
    if data_at == 0 && size_at == 0 {
        guest.data_mut().scratch = results;
        return Ok(());
    }
    give_scratch(guest, results, data_at, size_at)
}
