//! Which addresses are not public, by the IANA's registries of special-purpose addresses (IPv4 and IPv6; RFC
//! 6890 and its updates) and of multicast addresses.
//!
//! For IPv6 nothing is public but global unicast addresses (2000::/3), so that what the registries do not have
//! yet is refused too.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network: `10.1.0.0/16`, `fd00:1::/32`. The bits after the prefix are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no network such as 10.1.0.0/16, with zeros after the prefix")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, length) = text.split_once('/').ok_or(NoNetwork)?;
        let first: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let prefix: u8 = length.parse().map_err(|_| NoNetwork)?;
        if prefix > bits(first) || prefix.to_string() != length || masked(first, prefix) != number(first) {
            return Err(NoNetwork);
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(first: [u16; 4], prefix: u8) -> Self {
        let [a, b, c, d] = first;
        Self { first: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), prefix }
    }

    /// Whether the address is in it. Those of the other family are not, mapped ones neither.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == number(self.first)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address with zeros after the prefix.
fn masked(address: IpAddr, prefix: u8) -> u128 {
    let rest = u32::from(bits(address).saturating_sub(prefix));
    number(address).checked_shr(rest).and_then(|kept| kept.checked_shl(rest)).unwrap_or(0)
}

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Unless the operator grants a network that it is in.
    Unless(&'static str),
    /// Never: nobody's address.
    Never(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unless(what) => write!(f, "{what}, and in no network of grants.outbound_networks"),
            Self::Never(what) => f.write_str(what),
        }
    }
}

/// Whether the address may be called, with these networks granted.
///
/// # Errors
/// [`Refused`] when it may not.
pub fn judge(address: IpAddr, granted: &[Network]) -> Result<(), Refused> {
    let in_one = |table: &[(Network, &'static str)]| {
        table.iter().find(|(network, _)| network.contains(address)).map(|(_, what)| *what)
    };
    if let Some(what) = in_one(&NOBODYS) {
        return Err(Refused::Never(what));
    }
    if granted.iter().any(|network| network.contains(address)) {
        return Ok(());
    }
    if let Some(what) = in_one(&SPECIAL) {
        return Err(Refused::Unless(what));
    }
    if address.is_ipv6() && !GLOBAL_UNICAST.contains(address) {
        return Err(Refused::Unless("not a global unicast address"));
    }
    Ok(())
}

const GLOBAL_UNICAST: Network = Network::v6([0x2000, 0, 0, 0], 3);

/// What no connection goes to: no grant changes that. IPv4-mapped addresses are refused as such: an IPv4
/// address is written as one.
const NOBODYS: [(Network, &str); 7] = [
    (Network::v4(0, 0, 0, 0, 8), "this network"),
    (Network::v4(224, 0, 0, 0, 4), "multicast"),
    (Network::v4(255, 255, 255, 255, 32), "broadcast"),
    (Network::v6([0, 0, 0, 0], 128), "unspecified"),
    (Network { first: IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0)), prefix: 96 }, "IPv4-mapped"),
    (Network::v6([0xff00, 0, 0, 0], 8), "multicast"),
    (
        Network { first: IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0)), prefix: 96 },
        "IPv4-translated",
    ),
];

/// The registries' blocks that are not globally reachable, and those that lead to an IPv4 address inside.
const SPECIAL: [(Network, &str); 24] = [
    (Network::v4(10, 0, 0, 0, 8), "private"),
    (Network::v4(100, 64, 0, 0, 10), "shared (carrier-grade NAT)"),
    (Network::v4(127, 0, 0, 0, 8), "loopback"),
    (Network::v4(169, 254, 0, 0, 16), "link-local"),
    (Network::v4(172, 16, 0, 0, 12), "private"),
    (Network::v4(192, 0, 0, 0, 24), "IETF protocol assignments"),
    (Network::v4(192, 0, 2, 0, 24), "documentation"),
    (Network::v4(192, 88, 99, 0, 24), "6to4 relay"),
    (Network::v4(192, 168, 0, 0, 16), "private"),
    (Network::v4(198, 18, 0, 0, 15), "benchmarking"),
    (Network::v4(198, 51, 100, 0, 24), "documentation"),
    (Network::v4(203, 0, 113, 0, 24), "documentation"),
    (Network::v4(240, 0, 0, 0, 4), "reserved"),
    (Network { first: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 }, "loopback"),
    (Network::v6([0x64, 0xff9b, 0, 0], 96), "NAT64"),
    (Network::v6([0x64, 0xff9b, 1, 0], 48), "NAT64"),
    (Network::v6([0x100, 0, 0, 0], 64), "discard-only"),
    (Network::v6([0x2001, 0, 0, 0], 23), "IETF protocol assignments, Teredo among them"),
    (Network::v6([0x2001, 0xdb8, 0, 0], 32), "documentation"),
    (Network::v6([0x2002, 0, 0, 0], 16), "6to4"),
    (Network::v6([0x3fff, 0, 0, 0], 20), "documentation"),
    (Network::v6([0xfc00, 0, 0, 0], 7), "unique local"),
    (Network::v6([0xfe80, 0, 0, 0], 10), "link-local"),
    (Network::v6([0xfec0, 0, 0, 0], 10), "site-local"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, granted: &[&str]) -> Result<(), Refused> {
        let granted: Vec<Network> = granted.iter().map(|network| network.parse().unwrap()).collect();
        judge(address.parse().unwrap(), &granted)
    }

    /// The first and the last address of each block, from the registries as they are in November 2026.
    #[test]
    fn what_the_registries_call_special_is_refused() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "239.255.255.255"),
            ("240.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("::2", "::ffff"),
            ("::7f00:1", "::c0a8:1"),
            ("::ffff:0:0", "::ffff:255.255.255.255"),
            ("::ffff:8.8.8.8", "::ffff:0:8.8.8.8"),
            ("64:ff9b::", "64:ff9b::255.255.255.255"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
            ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("4000::", "1fff::"),
        ] {
            assert!(judged(first, &[]).is_err(), "{first}");
            assert!(judged(last, &[]).is_err(), "{last}");
        }
    }

    /// The neighbours of the blocks, on both sides.
    #[test]
    fn what_is_beside_them_is_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::",
            "2001:200::",
            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db9::",
            "2003::",
            "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "3fff:1000::",
        ] {
            assert_eq!(judged(address, &[]), Ok(()), "{address}");
        }
    }

    #[test]
    fn a_grant_opens_its_network_and_no_other() {
        assert_eq!(judged("10.1.2.3", &["10.1.0.0/16"]), Ok(()));
        assert!(judged("10.2.2.3", &["10.1.0.0/16"]).is_err());
        assert!(judged("::ffff:10.1.2.3", &["10.1.0.0/16"]).is_err());
        assert_eq!(judged("fd00:1::5", &["10.1.0.0/16", "fd00:1::/32"]), Ok(()));
        assert_eq!(judged("127.0.0.1", &["127.0.0.1/32"]), Ok(()));
        assert!(judged("127.0.0.2", &["127.0.0.1/32"]).is_err());
        for nobodys in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
            assert!(matches!(judged(nobodys, &["0.0.0.0/0"]), Err(Refused::Never(_))), "{nobodys}");
        }
        for nobodys in ["::", "ff02::1", "::ffff:127.0.0.1"] {
            assert!(matches!(judged(nobodys, &["::/0"]), Err(Refused::Never(_))), "{nobodys}");
        }
    }

    #[test]
    fn networks_are_written_in_one_way() {
        for good in ["10.1.0.0/16", "0.0.0.0/0", "127.0.0.1/32", "::/0", "fd00::/8", "::1/128"] {
            assert_eq!(good.parse::<Network>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "/",
            "10.1.0.0",
            "10.1.0.0/33",
            "10.1.0.1/16",
            "10.1/16",
            "010.1.0.0/16",
            "10.1.0.0/016",
            "10.1.0.0/+16",
            "10.1.0.0/-1",
            "fd00::1/8",
            "::/129",
            "a.example/8",
            "10.1.0.0/16 ",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(NoNetwork), "{bad}");
        }
    }
}
