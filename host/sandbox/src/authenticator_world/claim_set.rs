//! Identities from outside on their way out of a component: bounded, and free of control characters.

use postern_kernel::authenticator::ClaimSet;
use postern_kernel::directory::Claim;

use super::wit;
use crate::bounds;
use crate::stop::Stop;

// Bytes.
const ISSUER: usize = 1_024;
/// OpenID Connect Core section 2; SAML's persistent NameID has 256 characters at most.
const SUBJECT: usize = 255;
const NAME: usize = 256;
const VALUE: usize = 1_024;
/// Items of a list.
const CLAIMS: usize = 64;
/// Of all claims.
const VALUES: usize = 256;

pub(super) fn claim_set(set: wit::ClaimSet) -> Result<ClaimSet, Stop> {
    let wit::ClaimSet { issuer, subject, claims } = set;
    bounds::filled("claims: issuer", &issuer, ISSUER)?;
    bounds::filled("claims: subject", &subject, SUBJECT)?;
    bounds::count("claims", claims.len(), CLAIMS)?;
    bounds::distinct("claims", claims.iter().map(|claim| &claim.name))?;
    bounds::count("claims: values", claims.iter().map(|claim| claim.values.len()).sum(), VALUES)?;
    for wit::Claim { name, values } in &claims {
        bounds::filled("claims: name", name, NAME)?;
        values.iter().try_for_each(|value| bounds::line("claims: value", value, VALUE))?;
    }
    let own = |wit::Claim { name, values }| Claim { name, values };
    Ok(ClaimSet { issuer, subject, claims: claims.into_iter().map(own).collect() })
}
