//! Settings files in TOML: unknown fields refused, every problem named with file, line, column
//! and field, all of them at once. `postern.toml` and `postern-edge.toml` are read by this.

mod duration;
mod problem;
mod reading;

pub use duration::Duration;
pub use problem::{Invalid, Misfit, Problem};
pub use reading::{Document, SettingsFile, read};

/// The JSON Schema of a settings file, for editors.
pub fn schema<F: schemars::JsonSchema>() -> String {
    format!("{:#}", schemars::schema_for!(F).to_value())
}
