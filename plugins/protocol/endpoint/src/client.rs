//! Who the client is, and whether it may ask at all.

use core::net::IpAddr;

use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::network::Network;

/// Where the client's address comes from. `X-Forwarded-For` is believed only as far as this says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientAddress {
    /// Who connected to the proxy.
    #[default]
    Connection,
    /// So many proxies stand in front, and each adds to `X-Forwarded-For` who connected to it.
    TrustedHops(u8),
    /// Proxies with these addresses stand in front. Who connects from elsewhere is the client.
    TrustedProxies(Vec<Network>),
}

impl ClientAddress {
    /// The client's address. `forwarded_for` are the values of `X-Forwarded-For`, in order.
    ///
    /// # Errors
    /// `endpoint.client-address.malformed`: what a trusted proxy should have written is no address.
    /// `endpoint.client-address.hops-missing`: fewer addresses than trusted hops.
    pub fn resolve<'a>(
        &self,
        connection: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Result<IpAddr, Refusal> {
        let mut from_last = forwarded_for.rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
        match self {
            Self::Connection => Ok(connection.to_canonical()),
            Self::TrustedHops(0) => Ok(connection.to_canonical()),
            Self::TrustedHops(hops) => {
                let entry = from_last.nth(usize::from(*hops).saturating_sub(1));
                entry.map(address).unwrap_or_else(|| {
                    Err(Refusal::misbehaved("endpoint.client-address.hops-missing")
                        .at("X-Forwarded-For")
                        .expected(&format!("{hops} addresses, one of each trusted proxy")))
                })
            }
            Self::TrustedProxies(proxies) => {
                let is_proxy = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
                let mut client = connection.to_canonical();
                while is_proxy(client) {
                    match from_last.next() {
                        Some(entry) => client = address(entry)?,
                        None => break,
                    }
                }
                Ok(client)
            }
        }
    }
}

fn address(entry: &[u8]) -> Result<IpAddr, Refusal> {
    let text = core::str::from_utf8(entry.trim_ascii()).unwrap_or_default();
    text.parse::<IpAddr>().map(|address| address.to_canonical()).map_err(|_| {
        Refusal::misbehaved("endpoint.client-address.malformed")
            .at("X-Forwarded-For")
            .expected("an address")
            .found_bytes(entry)
    })
}

/// Which clients may ask: those of `allow`, or all when it is empty, without those of `deny`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clients {
    /// Networks.
    pub allow: Vec<Network>,
    /// Networks.
    pub deny: Vec<Network>,
}

impl Clients {
    /// Whether there is nothing to judge.
    pub fn are_all(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// # Errors
    /// `endpoint.client.denied`, `endpoint.client.not-allowed` (403).
    pub fn judge(&self, client: IpAddr) -> Result<(), Refusal> {
        let refused = |code, expected: &str| {
            Err(Refusal::misbehaved(code)
                .with_status(403)
                .at("the client's address")
                .expected(expected)
                .found(&client.to_string()))
        };
        if self.deny.iter().any(|network| network.contains(client)) {
            return refused("endpoint.client.denied", "an address outside of edge.clients.deny");
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|network| network.contains(client)) {
            return refused("endpoint.client.not-allowed", "an address of edge.clients.allow");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(rule: &ClientAddress, forwarded_for: &[&str]) -> Result<String, &'static str> {
        let connection = "10.0.0.1".parse().unwrap();
        rule.resolve(connection, forwarded_for.iter().map(|value| value.as_bytes()))
            .map(|address| address.to_string())
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn nothing_of_the_client_is_believed_by_default() {
        assert_eq!(resolve(&ClientAddress::default(), &["6.6.6.6"]), Ok("10.0.0.1".into()));
    }

    #[test]
    fn hops_are_counted_from_the_end() {
        let hops = ClientAddress::TrustedHops;
        assert_eq!(resolve(&hops(1), &["6.6.6.6, 192.0.2.1"]), Ok("192.0.2.1".into()));
        assert_eq!(resolve(&hops(2), &["6.6.6.6, 192.0.2.1", "10.0.0.2"]), Ok("192.0.2.1".into()));
        assert_eq!(resolve(&hops(1), &["6.6.6.6,::ffff:192.0.2.1"]), Ok("192.0.2.1".into()));
        assert_eq!(resolve(&hops(1), &[]), Err("endpoint.client-address.hops-missing"));
        assert_eq!(resolve(&hops(3), &["6.6.6.6, 192.0.2.1"]), Err("endpoint.client-address.hops-missing"));
        for entry in ["unknown", "", "192.0.2.1:80", "192.0.2.1,", "[::1]"] {
            assert_eq!(resolve(&hops(1), &[entry]), Err("endpoint.client-address.malformed"), "{entry}");
        }
    }

    #[test]
    fn trusted_proxies_are_skipped_from_the_end() {
        let proxies = ClientAddress::TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(resolve(&proxies, &["6.6.6.6, 192.0.2.1, 10.9.9.9"]), Ok("192.0.2.1".into()));
        assert_eq!(resolve(&proxies, &["10.9.9.9"]), Ok("10.9.9.9".into()));
        assert_eq!(resolve(&proxies, &["6.6.6.6, x"]), Err("endpoint.client-address.malformed"));
        let elsewhere = ClientAddress::TrustedProxies(vec!["172.16.0.0/12".parse().unwrap()]);
        assert_eq!(resolve(&elsewhere, &["6.6.6.6"]), Ok("10.0.0.1".into()));
    }

    #[test]
    fn deny_wins_over_allow() {
        let clients = Clients {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            deny: vec!["10.6.0.0/16".parse().unwrap()],
        };
        let code = |address: &str| clients.judge(address.parse().unwrap()).map_err(|refusal| refusal.code);
        assert_eq!(code("10.1.1.1"), Ok(()));
        assert_eq!(code("10.6.1.1"), Err("endpoint.client.denied"));
        assert_eq!(code("192.0.2.1"), Err("endpoint.client.not-allowed"));
        assert!(Clients::default().are_all() && Clients::default().judge("::1".parse().unwrap()).is_ok());
    }
}
