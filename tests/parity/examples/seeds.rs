//! Writes what the vectors consist of into a folder, one file each: seeds for the fuzz targets.
use std::path::PathBuf;
use std::{env, fs};

use postern_parity::inputs;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "tests/fuzz/seeds".into()));
    fs::create_dir_all(&folder)?;
    for (number, input) in inputs::all().iter().enumerate() {
        fs::write(folder.join(format!("{number:05}")), input)?;
    }
    Ok(())
}
