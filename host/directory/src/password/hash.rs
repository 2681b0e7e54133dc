//! PHC strings of argon2id, version 19. Nothing else is read.

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};

use super::cost::is_bearable;

/// Salt in bytes: the length that RFC 9106 section 3.1 recommends.
pub(crate) const SALT: usize = 16;

/// In place of a salt, where there is no password. Those of passwords are random.
const NO_PASSWORD: &[u8; SALT] = b"without password";

/// Least capacity in KiB of a thread's memory. glibc maps what is larger than 32 MiB on its own and
/// gives it back when it is freed; smaller places end up in its heaps, and stay there (measured:
/// 45 MB and then 84 MB resident while idle). What is not touched takes no memory.
const MAPPED: usize = 33 * 1_024;

/// A stored hash, read.
pub(crate) struct StoredHash {
    params: Params,
    salt: Salt,
    output: Output,
}

/// A stored string that is no hash that we compute.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl StoredHash {
    /// Reads a PHC string.
    pub(crate) fn parse(phc: &str) -> Result<Self, Unreadable> {
        let parsed = PasswordHash::new(phc).map_err(|_| Unreadable)?;
        let is_argon2id = parsed.algorithm == ARGON2ID_IDENT && parsed.version == Some(Version::V0x13.into());
        let params = Params::try_from(&parsed).map_err(|_| Unreadable)?;
        if !is_argon2id || !is_bearable(params.m_cost(), params.t_cost(), params.p_cost()) {
            return Err(Unreadable);
        }
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else { return Err(Unreadable) };
        Ok(Self { params, salt, output })
    }

    /// One that no password has: random bytes in place of the output.
    pub(crate) fn unmatchable(params: &Params, random: &[u8; SALT + 32]) -> Self {
        let (salt, output) = random.split_at(SALT);
        let salt = Salt::new(salt).expect("16 bytes are within 8 to 48");
        let output = Output::new(output).expect("32 bytes are within 10 to 64");
        Self { params: params.clone(), salt, output }
    }

    /// The PHC string of somebody who has no password: no password computes these random bytes, and the salt
    /// says so.
    pub(crate) fn none(params: &Params, output: &[u8; 32]) -> Result<String, argon2::Error> {
        let salt = Salt::new(NO_PASSWORD).map_err(|_| argon2::Error::SaltTooShort)?;
        let output = Output::new(output).map_err(|_| argon2::Error::OutputTooShort)?;
        written(params, salt, output)
    }

    /// Whether nobody set a password.
    pub(crate) fn is_none(&self) -> bool {
        *self.salt == *NO_PASSWORD
    }

    /// Whether it was made with other parameters than these.
    pub(crate) fn is_outdated(&self, params: &Params) -> bool {
        (self.params.m_cost(), self.params.t_cost(), self.params.p_cost(), self.output.len())
            != (
                params.m_cost(),
                params.t_cost(),
                params.p_cost(),
                params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN),
            )
    }

    /// Whether it is the password's. Compares in constant time.
    pub(super) fn is_of(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<bool, argon2::Error> {
        // `Output` compares in constant time.
        Ok(compute(&self.params, password, &self.salt, memory)? == self.output)
    }
}

/// The PHC string of a password.
pub(super) fn make(
    params: &Params,
    password: &[u8],
    salt: &[u8; SALT],
    memory: &mut Vec<Block>,
) -> Result<String, argon2::Error> {
    let salt = Salt::new(salt).map_err(|_| argon2::Error::SaltTooShort)?;
    let output = compute(params, password, &salt, memory)?;
    written(params, salt, output)
}

/// The PHC string.
fn written(params: &Params, salt: Salt, output: Output) -> Result<String, argon2::Error> {
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| argon2::Error::AlgorithmInvalid)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

fn compute(
    params: &Params,
    password: &[u8],
    salt: &Salt,
    memory: &mut Vec<Block>,
) -> Result<Output, argon2::Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        // The old place goes first: nothing of it is copied, and both are never held at once.
        *memory = Vec::new();
        *memory = Vec::with_capacity(blocks.max(MAPPED));
        memory.resize(blocks, Block::new());
    }
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut bytes = zeroize::Zeroizing::new([0; Output::MAX_LENGTH]);
    let bytes = bytes.get_mut(..length).ok_or(argon2::Error::OutputTooLong)?;
    argon2.hash_password_into_with_memory(password, salt, bytes, memory.as_mut_slice())?;
    Output::new(bytes).map_err(|_| argon2::Error::OutputTooShort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_string_as_the_reference_implementation() {
        // echo -n "password" | argon2 somesalt -id -v 13 -m 16 -t 2 -p 1 -l 32, from argon2's own test.c.
        let reference =
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let mut memory = Vec::new();
        let hash = StoredHash::parse(reference).unwrap();
        assert!(hash.is_of(b"password", &mut memory).unwrap());
        assert!(!hash.is_of(b"passwort", &mut memory).unwrap());
    }

    #[test]
    fn what_is_made_is_read_and_matches_one_password() {
        let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
        let mut memory = Vec::new();
        let phc = make(&params, b"correct horse", &[7; SALT], &mut memory).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        let hash = StoredHash::parse(&phc).unwrap();
        assert!(!hash.is_outdated(&params));
        assert!(hash.is_outdated(&Params::new(19_456, 3, 1, Some(32)).unwrap()));
        assert!(hash.is_of(b"correct horse", &mut memory).unwrap());
        assert!(!hash.is_of(b"correct horse ", &mut memory).unwrap());
        assert_eq!(memory.len(), 19_456, "the memory is reused");
    }

    #[test]
    fn other_strings_are_not_read() {
        for bad in [
            "",
            "plain",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
            // A cost that would stop the machine.
            "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert!(StoredHash::parse(bad).is_err(), "{bad}");
        }
    }
}
