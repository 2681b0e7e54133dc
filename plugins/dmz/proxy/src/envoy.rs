//! Which Envoys the filters can guard.

use core::fmt;

/// A version of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1
    pub major: u64,
    /// 40
    pub minor: u64,
    /// 0
    pub patch: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Version {
    /// Whether it has the fixes of CVE-2026-73511, 73551 and 73553: before them a matrix
    /// parameter could lead past what a filter had judged.
    pub fn has_fixes(self) -> bool {
        let first_fixed = match (self.major, self.minor) {
            (1, 36) => 10,
            (1, 37) => 6,
            (1, 38) => 4,
            (1, 39) => 1,
            (major, minor) => return (major, minor) >= (1, 40),
        };
        self.patch >= first_fixed
    }

    /// The version of the Envoy that runs the filter; none in another proxy.
    #[cfg(target_family = "wasm")]
    pub(crate) fn running() -> Option<Self> {
        // The attribute's name since 1.26, and before.
        Self::of_node(&["xds", "node"]).or_else(|| Self::of_node(&["node"]))
    }

    #[cfg(target_family = "wasm")]
    fn of_node(node: &[&str]) -> Option<Self> {
        let property = |path: &[&str]| crate::host::property(&[node, path].concat()).ok();
        if property(&["user_agent_name"])? != b"envoy" {
            return None;
        }
        let number = |name| {
            let bytes = property(&["user_agent_build_version", "version", name])?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        Some(Self { major: number("major_number")?, minor: number("minor_number")?, patch: number("patch")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_fixes(major: u64, minor: u64, patch: u64) -> bool {
        Version { major, minor, patch }.has_fixes()
    }

    #[test]
    fn each_line_has_its_first_fixed_version() {
        for (minor, first) in [(36, 10), (37, 6), (38, 4), (39, 1)] {
            assert!(!has_fixes(1, minor, first - 1), "1.{minor}");
            assert!(has_fixes(1, minor, first), "1.{minor}");
        }
        assert!(has_fixes(1, 40, 0) && has_fixes(2, 0, 0));
        assert!(!has_fixes(1, 35, 99) && !has_fixes(0, 99, 0));
    }
}
