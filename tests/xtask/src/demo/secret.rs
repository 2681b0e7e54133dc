//! A password for the demo's person.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::failure::Failure;

/// 64 characters, so that a random byte picks one without bias; none is mistaken for another.
const ALPHABET: &[u8; 64] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.+=@~";

/// 20 characters: 120 bits from the operating system.
pub(crate) fn password() -> Result<String, Failure> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 20];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Failure::file("read", source, &error))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect())
}

#[cfg(test)]
mod tests {
    use super::{ALPHABET, password};

    #[test]
    fn no_character_stands_twice_in_the_alphabet() {
        let mut sorted = ALPHABET.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 64);
    }

    #[test]
    fn passwords_differ() {
        assert_ne!(password().unwrap(), password().unwrap());
    }
}
