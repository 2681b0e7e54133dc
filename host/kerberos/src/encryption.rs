//! The four profiles of AES: RFC 3962 (with SHA-1, section 6) and RFC 8009 (with SHA-2, section 5).

use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a block of AES.
const BLOCK: usize = 16;

/// An encryption type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// aes128-cts-hmac-sha1-96.
    Aes128Sha1,
    /// aes256-cts-hmac-sha1-96.
    Aes256Sha1,
    /// aes128-cts-hmac-sha256-128.
    Aes128Sha256,
    /// aes256-cts-hmac-sha384-192.
    Aes256Sha384,
}

impl Encryption {
    /// The one with this number (RFC 3961 section 8, RFC 8009 section 7); `None`: it is not allowed here, such as
    /// RC4 (23) and DES (1, 3, 16).
    pub fn of_number(number: i64) -> Option<Self> {
        match number {
            17 => Some(Self::Aes128Sha1),
            18 => Some(Self::Aes256Sha1),
            19 => Some(Self::Aes128Sha256),
            20 => Some(Self::Aes256Sha384),
            _ => None,
        }
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 => 16,
            Self::Aes256Sha1 | Self::Aes256Sha384 => 32,
        }
    }

    fn mac_bytes(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 12,
            Self::Aes128Sha256 => 16,
            Self::Aes256Sha384 => 24,
        }
    }

    fn hash(self) -> hmac::Algorithm {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Aes128Sha256 => hmac::HMAC_SHA256,
            Self::Aes256Sha384 => hmac::HMAC_SHA384,
        }
    }
}

/// A key with what it is for. Not shown, and wiped.
#[derive(Clone)]
pub struct Key {
    pub(crate) encryption: Encryption,
    bytes: Zeroizing<Vec<u8>>,
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Key({:?})", self.encryption)
    }
}

impl Key {
    /// `None`: it has another length than the encryption's keys.
    pub fn new(encryption: Encryption, bytes: &[u8]) -> Option<Self> {
        let is_fit = bytes.len() == encryption.key_bytes();
        is_fit.then(|| Self { encryption, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    /// The plain text of what was encrypted with the key for this usage (RFC 4120 section 7.5.1); `None`: it was
    /// not. The MAC is compared in constant time, and nothing is read before.
    pub fn decrypt(&self, usage: u32, cipher: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (cipher, mac) =
            cipher.split_at_checked(cipher.len().checked_sub(self.encryption.mac_bytes())?)?;
        // A confounder of one block at least.
        if cipher.len() < BLOCK {
            return None;
        }
        match self.encryption {
            Encryption::Aes128Sha1 | Encryption::Aes256Sha1 => {
                let (encrypting, checking) = (self.derived(usage, 0xaa)?, self.derived(usage, 0x55)?);
                let plain = without_ciphertext_stealing(&encrypting, cipher)?;
                self.is_mac(&checking, &[&plain], mac).then_some(())?;
                Some(Zeroizing::new(plain.get(BLOCK..)?.to_vec()))
            }
            Encryption::Aes128Sha256 | Encryption::Aes256Sha384 => {
                let (encrypting, checking) = (
                    self.derived_with_sha2(usage, 0xaa, self.encryption.key_bytes())?,
                    self.derived_with_sha2(usage, 0x55, self.encryption.mac_bytes())?,
                );
                // Over the cipher state, which is zeros, and the cipher text.
                self.is_mac(&checking, &[&[0; BLOCK], cipher], mac).then_some(())?;
                let plain = without_ciphertext_stealing(&encrypting, cipher)?;
                Some(Zeroizing::new(plain.get(BLOCK..)?.to_vec()))
            }
        }
    }

    fn is_mac(&self, key: &[u8], parts: &[&[u8]], mac: &[u8]) -> bool {
        let key = hmac::Key::new(self.encryption.hash(), key);
        let mut context = hmac::Context::with_key(&key);
        parts.iter().for_each(|part| context.update(part));
        let tag = context.sign();
        let cut = tag.as_ref().get(..self.encryption.mac_bytes());
        cut.is_some_and(|expected| verify_slices_are_equal(expected, mac).is_ok())
    }

    /// RFC 3961 section 5.1: DK(key, usage | last).
    fn derived(&self, usage: u32, last: u8) -> Option<Zeroizing<Vec<u8>>> {
        let mut block = folded(&constant(usage, last));
        let mut derived = Zeroizing::new(Vec::with_capacity(2 * BLOCK));
        while derived.len() < self.encryption.key_bytes() {
            encrypt_block(&self.bytes, &mut block)?;
            derived.extend_from_slice(&block);
        }
        block.zeroize();
        Some(derived)
    }

    /// RFC 8009 section 3: KDF-HMAC-SHA2(key, usage | last, bits of the result).
    fn derived_with_sha2(&self, usage: u32, last: u8, bytes: usize) -> Option<Zeroizing<Vec<u8>>> {
        let bits = u32::try_from(bytes.checked_mul(8)?).ok()?;
        let key = hmac::Key::new(self.encryption.hash(), &self.bytes);
        let mut context = hmac::Context::with_key(&key);
        context.update(&1_u32.to_be_bytes());
        context.update(&constant(usage, last));
        context.update(&[0]);
        context.update(&bits.to_be_bytes());
        Some(Zeroizing::new(context.sign().as_ref().get(..bytes)?.to_vec()))
    }
}

fn constant(usage: u32, last: u8) -> [u8; 5] {
    let [a, b, c, d] = usage.to_be_bytes();
    [a, b, c, d, last]
}

/// RFC 3961 section 5.1, n-fold of 40 bits to 128: copies of the input, each turned right by 13 bits more than the one
/// before, are added up in pieces of 128 bits with the carry going round.
fn folded(input: &[u8; 5]) -> [u8; BLOCK] {
    // The least common multiple of 5 and 16 bytes.
    const LENGTH: usize = 80;
    let bits = input.len() * 8;
    let bit = |copy: usize, at: usize| {
        let from = (at + bits - (13 * copy) % bits) % bits;
        input[from / 8] >> (7 - from % 8) & 1
    };
    let byte = |at: usize| {
        (0..8).fold(0_u8, |byte, offset| byte << 1 | bit(at / input.len(), (at % input.len()) * 8 + offset))
    };
    let stretched: Vec<u8> = (0..LENGTH).map(byte).collect();
    let mut sum = [0_u8; BLOCK];
    for piece in stretched.chunks(BLOCK) {
        let mut carry = 0_u16;
        for (total, byte) in sum.iter_mut().zip(piece).rev() {
            carry += u16::from(*total) + u16::from(*byte);
            *total = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        while carry > 0 {
            for total in sum.iter_mut().rev() {
                carry += u16::from(*total);
                *total = carry.to_le_bytes()[0];
                carry >>= 8;
            }
        }
    }
    sum
}

fn cipher_key(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    UnboundCipherKey::new(algorithm, key).ok()
}

fn encrypt_block(key: &[u8], block: &mut [u8; BLOCK]) -> Option<()> {
    EncryptingKey::ecb(cipher_key(key)?).ok()?.encrypt(block).ok().map(|_| ())
}

/// CBC with ciphertext stealing, the last two blocks swapped, and an initial vector of zeros (RFC 3962 section 5).
fn without_ciphertext_stealing(key: &[u8], cipher: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = DecryptingKey::ecb(cipher_key(key)?).ok()?;
    let decrypted = |block: &[u8]| -> Option<Zeroizing<[u8; BLOCK]>> {
        let mut block = Zeroizing::new(<[u8; BLOCK]>::try_from(block).ok()?);
        key.decrypt(block.as_mut_slice(), DecryptionContext::None).ok()?;
        Some(block)
    };
    let mut plain = Zeroizing::new(Vec::with_capacity(cipher.len()));
    let mut xored = |block: &[u8], with: &[u8]| plain.extend(block.iter().zip(with).map(|(a, b)| a ^ b));
    if cipher.len() == BLOCK {
        xored(decrypted(cipher)?.as_slice(), &[0; BLOCK]);
        return Some(plain);
    }
    // The last one has 1 to 16 bytes.
    let blocks: Vec<&[u8]> = cipher.chunks(BLOCK).collect();
    let (last, rest) = blocks.split_last()?;
    let (swapped, whole) = rest.split_last()?;
    let mut before: &[u8] = &[0; BLOCK];
    for block in whole {
        xored(decrypted(block)?.as_slice(), before);
        before = block;
    }
    let end = decrypted(swapped)?;
    let stolen = [last, end.get(last.len()..)?].concat();
    xored(decrypted(&stolen)?.as_slice(), before);
    xored(end.get(..last.len())?, last);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(encryption: Encryption, text: &str) -> Key {
        Key::new(encryption, &hex::decode(text).unwrap()).unwrap()
    }

    /// RFC 3961 appendix A.1: 5 bytes are what keys are derived from.
    #[test]
    fn folding() {
        assert_eq!(hex::encode(folded(b"\0\0\0\x02\x99")), {
            // By the definition, of numbers: 16 copies of 40 bits, each turned by 13 more, in 5 pieces.
            let input = 0x0299_u64;
            let bits: String = (0..16_u32)
                .map(|copy| {
                    let turn = (13 * copy) % 40;
                    let turned = (input >> turn | input << (40 - turn)) & 0xff_ffff_ffff;
                    format!("{turned:040b}")
                })
                .collect();
            let pieces = (0..5).map(|piece| u128::from_str_radix(&bits[piece * 128..][..128], 2).unwrap());
            let sum = pieces.fold(0_u128, |sum, piece| {
                let (sum, carry) = sum.overflowing_add(piece);
                sum + u128::from(carry)
            });
            format!("{sum:032x}")
        });
    }

    /// RFC 3962 appendix B: the key is `chicken teriyaki`, the text the beginning of one sentence.
    #[test]
    fn stealing() {
        let key = b"chicken teriyaki";
        let sentence = b"I would like the General Gau's Chicken, please, and wonton soup.";
        for (length, cipher) in [
            (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
            (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
            (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
            (
                47,
                "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5",
            ),
            (
                48,
                "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8",
            ),
            (
                64,
                "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8",
            ),
        ] {
            let plain = without_ciphertext_stealing(key, &hex::decode(cipher).unwrap()).unwrap();
            assert_eq!(plain.as_slice(), &sentence[..length]);
        }
    }

    /// RFC 8009 appendix A: derived keys, and encryptions for usage 2.
    #[test]
    fn with_sha2() {
        let small = key(Encryption::Aes128Sha256, "3705d96080c17728a0e800eab6e0d23c");
        let derived = |last, bytes| hex::encode(small.derived_with_sha2(2, last, bytes).unwrap().as_slice());
        assert_eq!(derived(0xaa, 16), "9b197dd1e8c5609d6e67c3e37c62c72e");
        assert_eq!(derived(0x55, 16), "9fda0e56ab2d85e1569a688696c26a6c");
        let large =
            key(Encryption::Aes256Sha384, "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52");
        let derived = |last, bytes| hex::encode(large.derived_with_sha2(2, last, bytes).unwrap().as_slice());
        assert_eq!(derived(0xaa, 32), "56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49");
        assert_eq!(derived(0x55, 24), "69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f");
        for (key, plain, cipher) in [
            (&small, "", "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718"),
            (
                &small,
                "000102030405",
                "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c",
            ),
            (
                &small,
                "000102030405060708090a0b0c0d0e0f",
                "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3",
            ),
            (&large, "", "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c"),
        ] {
            let cipher = hex::decode(cipher).unwrap();
            assert_eq!(hex::encode(key.decrypt(2, &cipher).unwrap().as_slice()), plain);
            assert!(key.decrypt(11, &cipher).is_none(), "another usage");
            for at in 0..cipher.len() {
                let mut changed = cipher.clone();
                changed[at] ^= 1;
                assert!(key.decrypt(2, &changed).is_none(), "byte {at}");
            }
            for length in 0..cipher.len() {
                assert!(key.decrypt(2, &cipher[..length]).is_none(), "cut to {length}");
            }
        }
    }

    #[test]
    fn what_is_not_allowed() {
        for number in [-1, 0, 1, 2, 3, 16, 21, 23, 24, 25, 26] {
            assert_eq!(Encryption::of_number(number), None, "{number}");
        }
        assert!(Key::new(Encryption::Aes128Sha1, &[0; 32]).is_none());
        assert_eq!(format!("{:?}", Key::new(Encryption::Aes128Sha1, &[7; 16])), "Some(Key(Aes128Sha1))");
    }
}
