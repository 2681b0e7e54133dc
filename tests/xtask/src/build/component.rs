//! From a core module to a component that imports nothing but what its world names.

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::sections;
use crate::failure::Failure;

/// Where everything that a component may import or export is declared.
const PACKAGE: &str = "postern:idp/";

/// Wraps, and refuses a component with any import that is not of our own package: that is
/// how the sandbox stays without file, network, clock and environment.
pub(super) fn wrap(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&sections::strip(module)?)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| Failure::new(format!("cannot be wrapped as a component: {error:#}")))?;
    let surface = Surface::read(&component)?;
    let foreign: Vec<&str> =
        surface.imports.iter().map(String::as_str).filter(|name| !name.starts_with(PACKAGE)).collect();
    if !foreign.is_empty() {
        return Err(Failure::new(format!("imports {}", foreign.join(", "))).remedy(format!(
            "find the dependency that pulls it in (`cargo tree`); only {PACKAGE}* may be imported"
        )));
    }
    if !surface.exports.iter().any(|name| name.starts_with(PACKAGE)) {
        return Err(Failure::new(format!("exports no interface of {PACKAGE}"))
            .remedy("generate a world of wit/ with wit-bindgen and `export!` its implementation"));
    }
    Ok(component)
}

/// The names at a component's outside.
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Surface {
    fn read(component: &[u8]) -> Result<Self, Failure> {
        let malformed = |error| Failure::new(format!("not a component: {error}"));
        let mut surface = Self { imports: Vec::new(), exports: Vec::new() };
        // Modules and components inside have imports of their own, filled from within.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(malformed)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let name = import.map_err(malformed)?.name.name.to_owned();
                        surface.imports.push(name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let name = export.map_err(malformed)?.name.name.to_owned();
                        surface.exports.push(name);
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }
}
