//! Which nginx a configuration is for.

use std::fmt;
use std::str::FromStr;

/// A version of nginx, `x.y.z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NginxVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The text is not `x.y.z`, nor `x.y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version of nginx is three numbers, such as 1.26.3, or two, such as 1.26")]
pub struct NotAVersion;

impl NginxVersion {
    /// The oldest that configurations are written for. What is written for it means the same to all later
    /// ones, with a warning from 1.25.1 on.
    pub const OLDEST: Self = Self { major: 1, minor: 22, patch: 0 };

    /// Out of what `nginx -v` prints: `nginx version: nginx/1.26.3 (Debian)`.
    pub fn of_banner(text: &str) -> Option<Self> {
        let rest = text.split("nginx version: ").nth(1)?.split_once('/')?.1;
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.');
        rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
    }

    /// 1.25.1 has `http2 on`, and warns of the same word in `listen`.
    pub(crate) fn has_http2_directive(self) -> bool {
        self >= Self { major: 1, minor: 25, patch: 1 }
    }
}

impl FromStr for NginxVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u32>().ok()).flatten().ok_or(NotAVersion)
        };
        match text.split('.').collect::<Vec<_>>()[..] {
            [major, minor] => Ok(Self { major: number(major)?, minor: number(minor)?, patch: 0 }),
            [major, minor, patch] => {
                Ok(Self { major: number(major)?, minor: number(minor)?, patch: number(patch)? })
            }
            _ => Err(NotAVersion),
        }
    }
}

impl fmt::Display for NginxVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::NginxVersion;

    #[test]
    fn a_version_is_read_or_refused() {
        let read = |text: &str| text.parse::<NginxVersion>().map(|version| version.to_string());
        assert_eq!(read("1.26.3").as_deref(), Ok("1.26.3"));
        assert_eq!(read("1.26").as_deref(), Ok("1.26.0"));
        for text in ["", "1", "1.", "1.26.3.4", "1.+2.3", "1.26.x", " 1.26", "1.26.99999999999"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_nginx_says_of_itself_is_understood() {
        let of = |text: &str| NginxVersion::of_banner(text).map(|version| version.to_string());
        assert_eq!(of("nginx version: nginx/1.22.1\n").as_deref(), Some("1.22.1"));
        assert_eq!(of("nginx version: nginx/1.26.3 (Debian)").as_deref(), Some("1.26.3"));
        assert_eq!(of("nginx version: openresty/1.25.3.2\n").as_deref(), None);
        assert_eq!(of("envoy"), None);
    }

    #[test]
    fn the_directive_came_with_a_release() {
        let has = |text: &str| text.parse::<NginxVersion>().unwrap().has_http2_directive();
        assert!(!has("1.22.1") && !has("1.25.0") && has("1.25.1") && has("1.30.4") && has("2.0.0"));
        assert!(!NginxVersion::OLDEST.has_http2_directive());
    }
}
