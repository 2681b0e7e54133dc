//! `wsignout1.0` and `wsignoutcleanup1.0` (section 13.2.4).
use postern_refusal::Refusal;

use crate::parameters::Parameters;
use crate::sign_in::{check_time, not_registered, unknown_realm};
use crate::{Policy, Realms};

const KNOWN: [&str; 5] = ["wa", "wtrealm", "wreply", "wctx", "wct"];

/// A request to sign somebody out, or to clean up after that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOut {
    /// The relying party that asks, when it says so.
    pub realm: Option<String>,
    /// Where the browser goes afterwards: registered, for that realm when there is one.
    pub reply: Option<String>,
    /// `wctx`, to be returned unchanged.
    pub context: Option<String>,
}

impl SignOut {
    pub(crate) fn read<R: Realms + ?Sized>(
        parameters: &Parameters<'_>,
        realms: &R,
        policy: &Policy,
        now: u64,
    ) -> Result<Self, Refusal> {
        parameters.only("a sign-out", &KNOWN)?;
        let (name, reply) = (parameters.value("wtrealm"), parameters.value("wreply"));
        let registered = match name {
            Some(name) => {
                let realm = realms.realm(name)?.filter(|realm| realm.realm == name);
                let realm = realm.ok_or_else(|| unknown_realm(name))?;
                reply.is_none_or(|reply| realm.takes_sign_outs_at(reply))
            }
            None => reply.map_or(Ok(true), |reply| realms.takes_sign_outs_at(reply))?,
        };
        if !registered {
            return Err(not_registered(reply.unwrap_or_default()));
        }
        check_time(parameters, policy, now)?;
        Ok(Self {
            realm: name.map(str::to_owned),
            reply: reply.map(str::to_owned),
            context: parameters.context(policy)?,
        })
    }
}
