//! nginx's own types, as far as the module touches them.

pub(crate) mod buffer;
pub(crate) mod client_body;
pub(crate) mod headers_in;
pub(crate) mod headers_out;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod text;
pub(crate) mod timer;
