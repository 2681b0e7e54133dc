//! What is measured, and what it is compared with.

use super::chain::Chain;
use super::requests::{Algorithm, Kind, Sight};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) chain: Chain,
    pub(super) request: Kind,
    /// The row without filters for the same request; none for these rows themselves.
    pub(super) base: Option<&'static str>,
    /// Whose cost this row's is divided by.
    pub(super) peer: Option<&'static str>,
}

const EMPTY_PAGE: &str = "empty chain, a page";
const EMPTY_SAML: &str = "empty chain, an AuthnRequest";
const EMPTY_TOKEN: &str = "empty chain, a token";
const NOOP: &str = "no-op wasm filter";
const NATIVE_BOTH: &str = "native RBAC and jwt_authn with cache";
const NATIVE_CLAIMS: &str = "the same native filters, claims to headers";
const JWT_RS256: &str = "native jwt_authn RS256";
const JWT_ES256: &str = "native jwt_authn ES256";
const JWT_EDDSA: &str = "native jwt_authn EdDSA";
const BOTH_RS256: &str = "native RBAC and jwt_authn RS256";
const BOTH_ES256: &str = "native RBAC and jwt_authn ES256";
const BOTH_EDDSA: &str = "native RBAC and jwt_authn EdDSA";
const JWT_CACHE: &str = "native jwt_authn with cache";

const fn seen(algorithm: Algorithm) -> Kind {
    Kind::Token(algorithm, Sight::Repeated)
}

const fn first(algorithm: Algorithm) -> Kind {
    Kind::Token(algorithm, Sight::First)
}

const fn base(name: &'static str, request: Kind) -> Row {
    Row { name, chain: Chain::Empty, request, base: None, peer: None }
}

const fn page(name: &'static str, chain: Chain, peer: &'static str) -> Row {
    Row { name, chain, request: Kind::Page, base: Some(EMPTY_PAGE), peer: Some(peer) }
}

const fn token(name: &'static str, chain: Chain, request: Kind, peer: &'static str) -> Row {
    Row { name, chain, request, base: Some(EMPTY_TOKEN), peer: Some(peer) }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    base(EMPTY_PAGE, Kind::Page),
    page("native RBAC allowlist", Chain::Rbac, NOOP),
    page("Lua allowlist", Chain::Lua, NOOP),
    page(NOOP, Chain::Noop, NOOP),
    page("endpoint-filter", Chain::Endpoint, NOOP),
    page("endpoint-filter, nothing to tell", Chain::EndpointJudging, NOOP),
    page("address and id by Envoy, no filter of ours", Chain::ToldByEnvoy, NOOP),
    page("endpoint-filter, address and id by Envoy", Chain::EndpointByEnvoy, NOOP),
    page("guard, nothing to tell", Chain::GuardJudging, NOOP),
    page("guard, address and id by Envoy", Chain::GuardByEnvoy, NOOP),
    base(EMPTY_SAML, Kind::AuthnRequest),
    Row { name: "saml-decoder, AuthnRequest by Redirect", chain: Chain::Saml, request: Kind::AuthnRequest, base: Some(EMPTY_SAML), peer: None },
    base(EMPTY_TOKEN, seen(Algorithm::Rs256)),
    token(JWT_RS256, Chain::Jwt, first(Algorithm::Rs256), JWT_RS256),
    token("token-validator RS256, first sight", Chain::Token, first(Algorithm::Rs256), JWT_RS256),
    token(JWT_ES256, Chain::Jwt, first(Algorithm::Es256), JWT_ES256),
    token("token-validator ES256, first sight", Chain::Token, first(Algorithm::Es256), JWT_ES256),
    token(JWT_EDDSA, Chain::Jwt, first(Algorithm::EdDsa), JWT_EDDSA),
    token("token-validator EdDSA, first sight", Chain::Token, first(Algorithm::EdDsa), JWT_EDDSA),
    token(JWT_CACHE, Chain::JwtCached, seen(Algorithm::Rs256), JWT_CACHE),
    token("token-validator RS256, seen before", Chain::Token, seen(Algorithm::Rs256), JWT_CACHE),
    token("token-validator ES256, seen before", Chain::Token, seen(Algorithm::Es256), JWT_CACHE),
    token("token-validator EdDSA, seen before", Chain::Token, seen(Algorithm::EdDsa), JWT_CACHE),
    token(NATIVE_BOTH, Chain::RbacJwtCached, seen(Algorithm::Rs256), NATIVE_BOTH),
    token(NATIVE_CLAIMS, Chain::RbacJwtHeaders, seen(Algorithm::Rs256), NATIVE_BOTH),
    token("the three in a chain, token seen before", Chain::Three, seen(Algorithm::Rs256), NATIVE_BOTH),
    token("guard, token seen before", Chain::Guard, seen(Algorithm::Rs256), NATIVE_BOTH),
    token("guard, nothing to tell, token seen before", Chain::GuardJudging, seen(Algorithm::Rs256), NATIVE_BOTH),
    token("guard, by Envoy, token seen before", Chain::GuardByEnvoy, seen(Algorithm::Rs256), NATIVE_BOTH),
    // The guard hands on three claims, and so does this peer.
    token("guard, token seen before, over native with claims", Chain::Guard, seen(Algorithm::Rs256), NATIVE_CLAIMS),
    token("guard, nothing to tell, over native with claims", Chain::GuardJudging, seen(Algorithm::Rs256), NATIVE_CLAIMS),
    token(BOTH_RS256, Chain::RbacJwt, first(Algorithm::Rs256), BOTH_RS256),
    token("guard RS256, first sight", Chain::Guard, first(Algorithm::Rs256), BOTH_RS256),
    token(BOTH_ES256, Chain::RbacJwt, first(Algorithm::Es256), BOTH_ES256),
    token("guard ES256, first sight", Chain::Guard, first(Algorithm::Es256), BOTH_ES256),
    token(BOTH_EDDSA, Chain::RbacJwt, first(Algorithm::EdDsa), BOTH_EDDSA),
    token("guard EdDSA, first sight", Chain::Guard, first(Algorithm::EdDsa), BOTH_EDDSA),
];

const STOCK_PAGE: &str = "stock nginx, a page";
const STOCK_SAML: &str = "stock nginx, an AuthnRequest";
const STOCK_TOKEN: &str = "stock nginx, a token";

const fn over(name: &'static str, chain: Chain, request: Kind, stock: &'static str) -> Row {
    Row { name, chain, request, base: Some(stock), peer: Some(stock) }
}

/// In nginx: everything against the same nginx without filters.
#[rustfmt::skip]
const NGINX: &[Row] = &[
    base(STOCK_PAGE, Kind::Page),
    over("Lua allowlist", Chain::Lua, Kind::Page, STOCK_PAGE),
    over(NOOP, Chain::Noop, Kind::Page, STOCK_PAGE),
    over("endpoint-filter", Chain::Endpoint, Kind::Page, STOCK_PAGE),
    over("endpoint-filter, nothing to tell", Chain::EndpointJudging, Kind::Page, STOCK_PAGE),
    over("guard", Chain::Guard, Kind::Page, STOCK_PAGE),
    over("guard, nothing to tell", Chain::GuardJudging, Kind::Page, STOCK_PAGE),
    base(STOCK_SAML, Kind::AuthnRequest),
    over("saml-decoder, AuthnRequest by Redirect", Chain::Saml, Kind::AuthnRequest, STOCK_SAML),
    base(STOCK_TOKEN, seen(Algorithm::Rs256)),
    over("token-validator RS256, first sight", Chain::Token, first(Algorithm::Rs256), STOCK_TOKEN),
    over("token-validator ES256, first sight", Chain::Token, first(Algorithm::Es256), STOCK_TOKEN),
    over("token-validator EdDSA, first sight", Chain::Token, first(Algorithm::EdDsa), STOCK_TOKEN),
    over("token-validator RS256, seen before", Chain::Token, seen(Algorithm::Rs256), STOCK_TOKEN),
    over("the three in a chain, token seen before", Chain::Three, seen(Algorithm::Rs256), STOCK_TOKEN),
    over("guard, token seen before", Chain::Guard, seen(Algorithm::Rs256), STOCK_TOKEN),
];

/// The rows of that proxy with one of these in their name, and those that they refer to; all when there
/// are none.
pub(super) fn wanted(in_nginx: bool, names: &[String]) -> Vec<Row> {
    let rows = if in_nginx { NGINX } else { ROWS };
    let named = |row: &Row| names.is_empty() || names.iter().any(|name| row.name.contains(name.as_str()));
    let chosen: Vec<&Row> = rows.iter().filter(|row| named(row)).collect();
    let referred =
        |row: &Row| chosen.iter().any(|chosen| [chosen.base, chosen.peer].contains(&Some(row.name)));
    rows.iter().filter(|row| named(row) || referred(row)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::{NGINX, ROWS, wanted};

    #[test]
    fn a_row_comes_with_what_it_is_compared_with() {
        let names: Vec<_> =
            wanted(false, &["saml-decoder".to_owned()]).into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["empty chain, an AuthnRequest", "saml-decoder, AuthnRequest by Redirect"]);
        assert_eq!(wanted(false, &[]).len(), ROWS.len());
    }

    #[test]
    fn every_reference_is_a_row() {
        for rows in [ROWS, NGINX] {
            for name in rows.iter().flat_map(|row| [row.base, row.peer]).flatten() {
                assert!(rows.iter().any(|other| other.name == name), "{name}");
            }
        }
    }
}
