//! Networks in the notation of RFC 4632 section 3.1 and RFC 4291 section 2.3: `10.0.0.0/8`, `2001:db8::/32`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// It is not an address, a slash and a number.
    Form,
    /// The prefix is longer than the address.
    Prefix,
    /// The address has bits beyond the prefix: what is meant is not what is written.
    HostBits,
    /// An IPv4 address in the form of an IPv6 one: addresses are compared as IPv4.
    Mapped,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "is no network, such as \"10.0.0.0/8\" or \"2001:db8::/32\"",
            Self::Prefix => "has a prefix that is longer than the address",
            Self::HostBits => "has bits beyond its prefix",
            Self::Mapped => "is IPv4 in the form of IPv6: write it as IPv4",
        })
    }
}

impl std::error::Error for NetworkError {}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = text.split_once('/').ok_or(NetworkError::Form)?;
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let prefix: u8 = length.parse().map_err(|_| NetworkError::Form)?;
        // One spelling: no `+8`, no `08`.
        if prefix.to_string() != length {
            return Err(NetworkError::Form);
        }
        if address.to_canonical() != address {
            return Err(NetworkError::Mapped);
        }
        if prefix > width(address) {
            return Err(NetworkError::Prefix);
        }
        let network = Self { address, prefix };
        if network.masked(address) != bits(address) {
            return Err(NetworkError::HostBits);
        }
        Ok(network)
    }
}

impl Network {
    /// Whether the address is in it. An IPv4 address in the form of an IPv6 one is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.address) && self.masked(address) == bits(self.address)
    }

    fn masked(&self, address: IpAddr) -> u128 {
        let width = width(self.address);
        let beyond = u32::from(width.saturating_sub(self.prefix));
        bits(address).checked_shr(beyond).and_then(|bits| bits.checked_shl(beyond)).unwrap_or(0)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_their_networks_and_in_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::1/128", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn what_is_not_what_was_meant_is_refused() {
        for (text, error) in [
            ("10.0.0.0", NetworkError::Form),
            ("10.0.0.0/", NetworkError::Form),
            ("10.0.0.0/+8", NetworkError::Form),
            ("10.0.0.0/08", NetworkError::Form),
            ("10.0.0/8", NetworkError::Form),
            ("office", NetworkError::Form),
            ("10.0.0.0/8/8", NetworkError::Form),
            ("10.0.0.0/33", NetworkError::Prefix),
            ("::/129", NetworkError::Prefix),
            ("10.0.0.1/8", NetworkError::HostBits),
            ("2001:db8::1/32", NetworkError::HostBits),
            ("::ffff:10.0.0.0/104", NetworkError::Mapped),
        ] {
            assert_eq!(text.parse::<Network>().unwrap_err(), error, "{text}");
        }
    }

    use proptest::prelude::*;

    proptest! {
        /// Whatever is accepted is written in one way, holds its own address, and no address that differs within
        /// the prefix.
        #[test]
        fn a_network_holds_what_shares_its_prefix(bits: u32, prefix in 0_u8..=32, other: u32) {
            let beyond = u32::from(32 - prefix);
            let kept = bits.checked_shr(beyond).and_then(|kept| kept.checked_shl(beyond)).unwrap_or(0);
            let text = format!("{}/{prefix}", std::net::Ipv4Addr::from(kept));
            let network: Network = text.parse().unwrap();
            prop_assert!(network.contains(IpAddr::V4(bits.into())));
            let shares = (bits ^ other).leading_zeros() >= u32::from(prefix);
            prop_assert_eq!(network.contains(IpAddr::V4(other.into())), shares);
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC{0,40}", address: u128) {
            if let Ok(network) = text.parse::<Network>() {
                let _ = network.contains(IpAddr::V6(address.into()));
            }
        }
    }
}
