use std::rc::Rc;

use postern_endpoint::is_protected_url;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Longest name of a realm, in characters.
const MAX_REALM: usize = 1_024;

/// A relying party as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Realm {
    /// Its name: what `wtrealm` has to be, letter by letter.
    pub realm: String,
    /// Where answers may go: what `wreply` has to be, letter by letter. The first is for requests
    /// without `wreply`.
    pub replies: Vec<String>,
    /// Where a browser may go after a sign-out, besides `replies`.
    #[serde(default)]
    pub sign_out_replies: Vec<String>,
}

impl Realm {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// `wsfed.registration.realm`, `wsfed.registration.replies`: with the field that is wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        let wrong = |code, field: &str, expected: &str| {
            Refusal::configuration(code).with_status(400).at(field).expected(expected)
        };
        let length = self.realm.chars().count();
        let printable = !self.realm.chars().any(|c| c.is_control() || c.is_whitespace());
        if !(1..=MAX_REALM).contains(&length) || !printable {
            return Err(wrong("wsfed.registration.realm", "realm", "1 to 1,024 printable characters"));
        }
        if self.replies.is_empty() {
            return Err(wrong("wsfed.registration.replies", "replies", "one at least"));
        }
        for (field, urls) in [("replies", &self.replies), ("sign_out_replies", &self.sign_out_replies)] {
            if let Some(url) = urls.iter().find(|url| !is_protected_url(url)) {
                let expected = "https URLs without a fragment, or http URLs of this machine";
                return Err(wrong("wsfed.registration.replies", field, expected).found(url));
            }
        }
        Ok(())
    }

    /// Whether a browser may go there after a sign-out.
    pub fn takes_sign_outs_at(&self, reply: &str) -> bool {
        self.replies.iter().chain(&self.sign_out_replies).any(|registered| registered == reply)
    }
}

/// Who is registered.
pub trait Realms {
    /// The realm of that name, letter by letter.
    ///
    /// # Errors
    /// When that can't be told.
    fn realm(&self, name: &str) -> Result<Option<Rc<Realm>>, Refusal>;

    /// Whether any realm has registered that address for sign-outs. A sign-out need not name its
    /// realm (section 13.2.4.1).
    ///
    /// # Errors
    /// When that can't be told.
    fn takes_sign_outs_at(&self, reply: &str) -> Result<bool, Refusal>;
}

/// A list in memory.
impl Realms for [Rc<Realm>] {
    fn realm(&self, name: &str) -> Result<Option<Rc<Realm>>, Refusal> {
        Ok(self.iter().find(|realm| realm.realm == name).map(Rc::clone))
    }

    fn takes_sign_outs_at(&self, reply: &str) -> Result<bool, Refusal> {
        Ok(self.iter().any(|realm| realm.takes_sign_outs_at(reply)))
    }
}
