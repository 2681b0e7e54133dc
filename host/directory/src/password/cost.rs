//! How much work a password hash is, and how many are computed at once.

use std::num::NonZeroUsize;

use argon2::Params;

/// Parameters of argon2id. The default is what OWASP's Password Storage Cheat Sheet recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes. Computed one after the other, so that more than one serves only compatibility.
    pub lanes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory: 19_456, passes: 2, lanes: 1 }
    }
}

/// OWASP's equivalent settings: memory in KiB and passes. A cost must reach one of them in both.
const FLOORS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// 1 GiB: more is a slip of the pen.
const MAX_MEMORY: u32 = 1 << 20;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 16;

impl PasswordCost {
    pub(super) fn params(self) -> Result<Params, SettingsError> {
        if !FLOORS.iter().any(|(memory, passes)| self.memory >= *memory && self.passes >= *passes) {
            return Err(SettingsError::Weak { memory: self.memory, passes: self.passes });
        }
        if !is_bearable(self.memory, self.passes, self.lanes) {
            return Err(SettingsError::Excessive {
                memory: self.memory,
                passes: self.passes,
                lanes: self.lanes,
            });
        }
        Params::new(self.memory, self.passes, self.lanes, Some(Params::DEFAULT_OUTPUT_LEN)).map_err(|_| {
            SettingsError::Excessive { memory: self.memory, passes: self.passes, lanes: self.lanes }
        })
    }
}

/// Whether a hash of this cost is computed at all.
pub(super) fn is_bearable(memory: u32, passes: u32, lanes: u32) -> bool {
    memory <= MAX_MEMORY && passes <= MAX_PASSES && (1..=MAX_LANES).contains(&lanes)
}

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Work of one hash.
    pub cost: PasswordCost,
    /// Hashes computed at once; `None`: as many as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Most hashes that wait for a thread. Beyond it, sign-in is unavailable at once.
    pub queue: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { cost: PasswordCost::default(), threads: None, queue: 64 }
    }
}

/// Settings that are not used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Below OWASP's recommendation.
    #[error(
        "password.cost.weak: {memory} KiB and {passes} passes are less than OWASP recommends: \
         take at least 19456 KiB with 2 passes (or 47104/1, 12288/3, 9216/4, 7168/5)"
    )]
    Weak {
        /// Memory in KiB.
        memory: u32,
        /// Passes.
        passes: u32,
    },
    /// So much that nobody could sign in.
    #[error(
        "password.cost.excessive: {memory} KiB, {passes} passes, {lanes} lanes: \
         at most {MAX_MEMORY} KiB, {MAX_PASSES} passes and 1 to {MAX_LANES} lanes are allowed"
    )]
    Excessive {
        /// Memory in KiB.
        memory: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// A thread could not be started.
    #[error("password.threads: {0}")]
    Threads(std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owasp_and_more_is_taken_less_is_refused() {
        let cost = |memory, passes, lanes| PasswordCost { memory, passes, lanes }.params();
        assert!(PasswordCost::default().params().is_ok());
        for (memory, passes) in FLOORS {
            assert!(cost(memory, passes, 1).is_ok());
            assert!(matches!(cost(memory - 1, passes, 1), Err(SettingsError::Weak { .. })));
        }
        assert!(matches!(cost(19_456, 1, 1), Err(SettingsError::Weak { .. })));
        assert!(matches!(cost(MAX_MEMORY + 1, 2, 1), Err(SettingsError::Excessive { .. })));
        assert!(matches!(cost(19_456, MAX_PASSES + 1, 1), Err(SettingsError::Excessive { .. })));
        assert!(matches!(cost(19_456, 2, 0), Err(SettingsError::Excessive { .. })));
        assert!(matches!(cost(19_456, 2, 17), Err(SettingsError::Excessive { .. })));
    }
}
