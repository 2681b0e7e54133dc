//! Custom sections of a core module: what is of no use at run time goes.

use std::ops::Range;

use wasmparser::{Parser, Payload};

use crate::failure::Failure;

/// The module without custom sections, but for `name` (readable backtraces) and
/// `component-type` (what `wit-component` wraps by).
pub(super) fn strip(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut stripped = module.get(..8).unwrap_or_default().to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| Failure::new(format!("not a WebAssembly module: {error}")))?;
        if let Payload::CustomSection(section) = &payload
            && section.name() != "name"
            && !section.name().starts_with("component-type")
        {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            append(&mut stripped, id, bytes(module, range)?);
        }
    }
    Ok(stripped)
}

pub(super) fn bytes(module: &[u8], range: Range<u64>) -> Result<&[u8], Failure> {
    let start = usize::try_from(range.start).unwrap_or(usize::MAX);
    let end = usize::try_from(range.end).unwrap_or(usize::MAX);
    module.get(start..end).ok_or_else(|| Failure::new("a section reaches beyond the module"))
}

/// A section is its identifier, its length in LEB128, and its content.
pub(super) fn append(module: &mut Vec<u8>, id: u8, content: &[u8]) {
    module.push(id);
    number(module, content.len());
    module.extend_from_slice(content);
}

/// A number in LEB128.
pub(super) fn number(module: &mut Vec<u8>, number: usize) {
    let mut rest = number;
    while rest >= 0x80 {
        module.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    module.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::strip;

    /// `\0asm`, version 1.
    const HEADER: [u8; 8] = [0, b'a', b's', b'm', 1, 0, 0, 0];

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let mut body = vec![name.len() as u8];
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(content);
        let mut section = Vec::new();
        super::append(&mut section, 0, &body);
        section
    }

    #[test]
    fn only_names_and_component_types_stay() {
        let kept =
            [HEADER.to_vec(), custom("component-type:postern", &[7; 300]), custom("name", &[])].concat();
        let module =
            [kept.as_slice(), &custom("producers", b"rustc"), &custom(".debug_info", &[1, 2, 3])].concat();
        assert_eq!(strip(&module).unwrap(), kept);
        assert_eq!(strip(&kept).unwrap(), kept);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(strip(b"#!/bin/sh\n").is_err());
    }
}
