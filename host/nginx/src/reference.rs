//! The reference of a request, by which its lines in the logs are found: 128 random bits in hexadecimal
//! digits, as nginx's `$request_id`. That one is drawn from OpenSSL for each request alone, which is a fifth
//! of all that the module costs; here it comes from a block.

use std::cell::RefCell;

/// Bytes of a reference before they are written as digits.
const SIZE: usize = 16;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Bytes that are drawn from the operating system at a time.
const BLOCK: usize = 256 * SIZE;

thread_local! {
    /// What is left of a worker's block. It is drawn in the worker: no two of them have the same.
    static LEFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A new one.
///
/// # Errors
/// That of the operating system, when it has no randomness to give.
pub(crate) fn drawn() -> Result<[u8; 2 * SIZE], getrandom::Error> {
    LEFT.with_borrow_mut(|left| {
        if left.len() < SIZE {
            left.resize(BLOCK, 0);
            if let Err(error) = getrandom::fill(left) {
                left.clear();
                return Err(error);
            }
        }
        let rest = left.len() - SIZE;
        let mut digits = [0; 2 * SIZE];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(left.drain(rest..)) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        Ok(digits)
    })
}
