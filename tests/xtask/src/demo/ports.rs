//! The five ports of the demo.

use std::net::{Ipv4Addr, TcpListener};

use crate::failure::Failure;

pub(crate) struct Ports {
    pub(crate) edge: u16,
    pub(crate) public: u16,
    pub(crate) management: u16,
    pub(crate) saml_app: u16,
    pub(crate) oidc_app: u16,
}

impl Ports {
    /// Those that are asked for, any that are free, or the ones that the README names.
    pub(crate) fn choose(base: Option<u16>, any: bool) -> Result<Self, Failure> {
        let numbers = match base {
            Some(base) => [0, 1, 2, 3, 4].map(|offset| base.saturating_add(offset)),
            None if any => return Self::free(),
            None => [8443, 9443, 9444, 9001, 9002],
        };
        for port in numbers {
            listen(port).map_err(|error| {
                Failure::new(format!("port {port} cannot be used: {error}"))
                    .remedy("stop what listens there (another demo?), or choose others: --port-base 20000")
            })?;
        }
        Ok(Self::of(numbers))
    }

    /// Ports that no other test and no outgoing connection takes.
    fn free() -> Result<Self, Failure> {
        let mut numbers = [0; 5];
        for number in &mut numbers {
            *number = postern_loopback::free_port()
                .map_err(|error| Failure::new(format!("there is no free port: {error}")))?;
        }
        Ok(Self::of(numbers))
    }

    fn of([edge, public, management, saml_app, oidc_app]: [u16; 5]) -> Self {
        Self { edge, public, management, saml_app, oidc_app }
    }
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::{Ports, listen};

    #[test]
    fn a_port_that_is_taken_is_named() {
        let held = listen(0).unwrap();
        let port = held.local_addr().unwrap().port();
        let message =
            Ports::choose(Some(port), false).err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(message.contains(&format!("port {port} ")), "{message}");
        assert!(message.contains("--port-base"), "{message}");
    }

    #[test]
    fn free_ports_differ() {
        let ports = Ports::free().unwrap();
        let mut numbers =
            [ports.edge, ports.public, ports.management, ports.saml_app, ports.oidc_app].to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 5);
    }
}
