//! `postern authenticator pack`

use std::path::{Path, PathBuf};

use clap::Args;
use postern_manifest::Manifest;
use wit_component::ComponentEncoder;

use super::{Failure, say};

/// Makes a component of what a compiler made, and puts the manifest into it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern authenticator pack target/wasm32-unknown-unknown/release/pin.wasm --output pin.wasm
  postern authenticator pack badge.component.wasm --manifest postern.toml --output badge.wasm")]
pub(crate) struct Pack {
    /// A core module for wasm32-unknown-unknown, or a component.
    file: PathBuf,
    /// The manifest.
    #[arg(long, value_name = "FILE", default_value = "postern.toml")]
    manifest: PathBuf,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Pack {
    pub(super) fn run(self) -> Result<(), Failure> {
        let component = component_of(&self.file)?;
        let manifest = read(&self.manifest)?;
        let read = Manifest::read(&manifest);
        let read = read.map_err(|error| Failure::new(format!("{}: {error}", self.manifest.display())))?;
        let packed = postern_manifest::with_manifest(&component, &manifest);
        let packed = packed.map_err(|error| Failure::new(format!("{}: {error}", self.file.display())))?;
        let size = packed.len().div_ceil(1 << 10);
        // The whole file or none: a host may be looking at the folder.
        let unfinished = self.output.with_extension("unfinished");
        std::fs::write(&unfinished, packed)
            .and_then(|()| std::fs::rename(&unfinished, &self.output))
            .map_err(|error| Failure::new(format!("{}: {error}", self.output.display())))?;
        say(format!("{}: {} {}, {size} KiB", self.output.display(), read.id, read.version));
        Ok(())
    }
}

/// The component that a compiler's output is, or is made of.
pub(in crate::cli) fn component_of(file: &Path) -> Result<Vec<u8>, Failure> {
    let module = read(file)?;
    if is_module(&module) { wrap(file, &module) } else { Ok(module) }
}

fn is_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn wrap(file: &Path, module: &[u8]) -> Result<Vec<u8>, Failure> {
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|encoder| encoder.encode());
    encoded.map_err(|error| {
        Failure::new(format!(
            "{}: cannot be made a component: {error:#}; it has to be built for wasm32-unknown-unknown with the \
             bindings of the contract",
            file.display()
        ))
    })
}
