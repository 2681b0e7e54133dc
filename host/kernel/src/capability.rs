//! What an authenticator may be granted beyond clock, randomness and log.

use core::fmt;

/// One of the interfaces of `wit/authenticator.wit` that the operator grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// `accounts`: passwords are compared with those of the directory.
    Accounts,
    /// `credentials`: its own records about people.
    Credentials,
    /// `directory`: it reads claims of people that the operator lists.
    Directory,
    /// `messages`: messages to people.
    Messages,
    /// `outbound`: calls to hosts that the operator lists.
    Outbound,
    /// `own-keys`: it signs and decrypts by keys of its own, which the kernel keeps.
    OwnKeys,
    /// `kerberos`: tickets are judged for it, with the operator's keytab.
    Kerberos,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Accounts,
        Self::Credentials,
        Self::Directory,
        Self::Messages,
        Self::Outbound,
        Self::OwnKeys,
        Self::Kerberos,
    ];

    /// The interface's name, and the grant's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Credentials => "credentials",
            Self::Directory => "directory",
            Self::Messages => "messages",
            Self::Outbound => "outbound",
            Self::OwnKeys => "own-keys",
            Self::Kerberos => "kerberos",
        }
    }

    /// The capability of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }

    /// What grants it, as it stands in a table of TOML.
    pub fn grant(self) -> String {
        match self {
            Self::Directory => "directory = [\"CLAIM\"]".into(),
            Self::Outbound => "outbound = [\"HOST\"]".into(),
            Self::OwnKeys => "own_keys = true".into(),
            other => format!("{other} = true"),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
