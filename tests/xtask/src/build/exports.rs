//! The exports of a filter: the proxy calls every callback that is exported, and each call into
//! the VM costs about half a microsecond of a request.

use wasmparser::{Parser, Payload};

use super::sections;
use crate::failure::Failure;

/// Callbacks that the SDK exports and that do nothing in any of our filters.
const UNUSED: [&str; 15] = [
    "proxy_on_done",
    "proxy_on_downstream_connection_close",
    "proxy_on_downstream_data",
    "proxy_on_foreign_function",
    "proxy_on_grpc_close",
    "proxy_on_grpc_receive",
    "proxy_on_grpc_receive_initial_metadata",
    "proxy_on_grpc_receive_trailing_metadata",
    "proxy_on_log",
    "proxy_on_new_connection",
    "proxy_on_queue_ready",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_upstream_connection_close",
    "proxy_on_upstream_data",
];

/// The module without the exports of these callbacks and of `also`.
pub(super) fn prune(module: &[u8], also: &[&str]) -> Result<Vec<u8>, Failure> {
    let malformed = |error| Failure::new(format!("not a WebAssembly module: {error}"));
    let mut pruned = module.get(..8).unwrap_or_default().to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(malformed)?;
        let Some((id, range)) = payload.as_section() else { continue };
        let content = sections::bytes(module, range)?;
        let Payload::ExportSection(exports) = payload else {
            sections::append(&mut pruned, id, content);
            continue;
        };
        let mut kept = Vec::new();
        for export in exports {
            let export = export.map_err(malformed)?;
            if !UNUSED.contains(&export.name) && !also.contains(&export.name) {
                kept.push(export);
            }
        }
        let mut section = Vec::new();
        sections::number(&mut section, kept.len());
        for export in kept {
            sections::number(&mut section, export.name.len());
            section.extend_from_slice(export.name.as_bytes());
            section.push(kind(export.kind)?);
            sections::number(&mut section, export.index as usize);
        }
        sections::append(&mut pruned, id, &section);
    }
    Ok(pruned)
}

/// The byte that stands for what is exported.
fn kind(kind: wasmparser::ExternalKind) -> Result<u8, Failure> {
    use wasmparser::ExternalKind::{Func, Global, Memory, Table};
    match kind {
        Func => Ok(0),
        Table => Ok(1),
        Memory => Ok(2),
        Global => Ok(3),
        other => Err(Failure::new(format!("exports a {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::prune;

    #[test]
    fn unused_callbacks_go_and_others_stay() {
        // (module (func (export "proxy_on_log")) (export "proxy_on_tick" (func 0)))
        let module = |exports: &[&str]| {
            let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
            let mut section = vec![exports.len() as u8];
            for name in exports {
                section.push(name.len() as u8);
                section.extend_from_slice(name.as_bytes());
                section.extend_from_slice(&[0, 0]);
            }
            super::sections::append(&mut bytes, 7, &section);
            bytes.extend_from_slice(b"\x0a\x04\x01\x02\0\x0b");
            bytes
        };
        let whole = module(&["proxy_on_log", "proxy_on_tick", "proxy_on_done"]);
        assert_eq!(prune(&whole, &[]).unwrap(), module(&["proxy_on_tick"]));
        assert_eq!(prune(&whole, &["proxy_on_tick"]).unwrap(), module(&[]));
    }
}
