//! `redirections`, answered by the kernel.

use postern_kernel::authenticator::{Carrier, PostedFields};

use super::AuthenticatorState;
use super::bindings::postern::idp::redirections::{self, Field};
use crate::bounds;
use crate::stop::Stop;

/// Fields of one form.
const FIELDS: usize = 16;
/// Bytes of a field's name, and of all names and values.
const NAME: usize = 64;
const FORM: usize = 64 << 10;

impl redirections::Host for AuthenticatorState {
    fn by_post(&mut self, fields: Vec<Field>) -> wasmtime::Result<()> {
        let total = fields.iter().map(|field| field.name.len().saturating_add(field.value.len())).sum();
        self.asked("redirections.by-post", total);
        bounds::count("by-post: fields", fields.len(), FIELDS)?;
        bounds::size("by-post: fields", total, FORM)?;
        bounds::distinct("by-post: fields", fields.iter().map(|field| &field.name))?;
        for Field { name, value } in &fields {
            bounds::name("by-post: field", name, NAME, "-_.")?;
            bounds::line("by-post: value", value, FORM)?;
        }
        let fields = fields.into_iter().map(|Field { name, value }| (name, value)).collect();
        Ok(self.services()?.post_fields(PostedFields(fields)).map_err(Stop::output)?)
    }

    fn came_back_by(&mut self) -> wasmtime::Result<Option<redirections::Carrier>> {
        self.asked("redirections.came-back-by", 0);
        Ok(self.services()?.came_back_by().map(|carrier| match carrier {
            Carrier::Query => redirections::Carrier::Query,
            Carrier::Form => redirections::Carrier::Form,
        }))
    }
}
