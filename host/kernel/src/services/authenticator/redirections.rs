//! How people are sent elsewhere and come back: `redirections` in `wit/authenticator.wit`.

use core::fmt;
use std::sync::PoisonError;

use super::AuthenticatorServices;
use crate::authenticator::{Carrier, PostedFields};

/// A second form in one call.
#[derive(Debug, PartialEq, Eq)]
pub struct PostedTwice;

impl fmt::Display for PostedTwice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("authenticator.redirect.posted-twice: one form a call")
    }
}

impl std::error::Error for PostedTwice {}

impl AuthenticatorServices {
    /// The same of a call in which somebody is back.
    #[must_use]
    pub fn back_by(self, carrier: Option<Carrier>) -> Self {
        Self { came_back_by: carrier, ..self }
    }

    /// How they came back.
    pub fn came_back_by(&self) -> Option<Carrier> {
        self.came_back_by
    }

    /// Has these fields posted where this call sends somebody.
    ///
    /// # Errors
    /// [`PostedTwice`]: the component gets no further.
    pub fn post_fields(&self, fields: PostedFields) -> Result<(), PostedTwice> {
        let mut post = self.post.lock().unwrap_or_else(PoisonError::into_inner);
        if post.is_some() {
            return Err(PostedTwice);
        }
        *post = Some(fields);
        Ok(())
    }

    /// What goes along with whom this call sends elsewhere. None: they go by GET.
    pub fn posted_fields(&self) -> Option<PostedFields> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
