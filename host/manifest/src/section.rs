//! Where a component carries its manifest: a custom section of the component itself, not of a module or
//! component inside it (WebAssembly core specification section 5.5.3; the component model frames its
//! sections alike).

use crate::manifest::{MAX_MANIFEST, ManifestError};

/// The section's name.
pub const SECTION: &str = "postern.toml";

/// `\0asm`.
const MAGIC: &[u8] = b"\0asm";
/// Version and layer of a component.
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
/// Identifier of custom sections.
const CUSTOM: u8 = 0;

/// The manifest that a component carries; `None` when it carries none.
///
/// # Errors
/// [`ManifestError`] when the bytes are no component, or there are two.
pub fn find(component: &[u8]) -> Result<Option<&[u8]>, ManifestError> {
    let rest = component.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(COMPONENT));
    let mut rest = rest.ok_or(ManifestError::NoComponent("it does not begin as a component does"))?;
    let mut found = None;
    while let Some((id, after)) = rest.split_first() {
        let (content, after) = sized(after)?;
        rest = after;
        if *id != CUSTOM {
            continue;
        }
        let (name, content) = sized(content)?;
        if name == SECTION.as_bytes() && found.replace(content).is_some() {
            return Err(ManifestError::Twice);
        }
    }
    match found {
        Some(manifest) if manifest.len() > MAX_MANIFEST => Err(ManifestError::TooLarge(manifest.len())),
        found => Ok(found),
    }
}

/// The component with the manifest at its end.
///
/// # Errors
/// [`ManifestError`] when the bytes are no component, or carry a manifest already.
pub fn with_manifest(component: &[u8], manifest: &[u8]) -> Result<Vec<u8>, ManifestError> {
    if find(component)?.is_some() {
        return Err(ManifestError::Twice);
    }
    if manifest.len() > MAX_MANIFEST {
        return Err(ManifestError::TooLarge(manifest.len()));
    }
    let mut content = leb128(SECTION.len());
    content.extend_from_slice(SECTION.as_bytes());
    content.extend_from_slice(manifest);
    Ok([component, &[CUSTOM], &leb128(content.len()), &content].concat())
}

/// What is framed by its length, and what comes after it.
fn sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), ManifestError> {
    let cut = ManifestError::NoComponent("a section does not end where it says");
    let mut length = 0_u32;
    // A length has 32 bits: five bytes at most.
    for (index, byte) in bytes.iter().take(5).enumerate() {
        let part = u32::from(byte & 0x7f);
        let shift = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(7);
        length |= part
            .checked_shl(shift)
            .filter(|shifted| shifted.checked_shr(shift) == Some(part))
            .ok_or(cut.clone())?;
        if byte & 0x80 == 0 {
            let rest = bytes.get(index.saturating_add(1)..).unwrap_or_default();
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return rest.split_at_checked(length).ok_or(cut);
        }
    }
    Err(cut)
}

fn leb128(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = number;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn a_manifest_goes_in_and_comes_out() {
        assert_eq!(find(&EMPTY), Ok(None));
        let manifest = "id = \"a\"\n".repeat(50);
        let component = with_manifest(&EMPTY, manifest.as_bytes()).unwrap();
        assert_eq!(find(&component), Ok(Some(manifest.as_bytes())));
        assert_eq!(with_manifest(&component, b""), Err(ManifestError::Twice));
        let other = [EMPTY.as_slice(), &[0, 3, 1, b'x', 7], &component[8..]].concat();
        assert_eq!(find(&other), Ok(Some(manifest.as_bytes())));
    }

    #[test]
    fn what_is_inside_a_module_is_not_the_components() {
        let inner = with_manifest(&EMPTY, b"id").unwrap();
        let length = u8::try_from(inner.len()).unwrap();
        let outer = [EMPTY.as_slice(), &[4, length], &inner].concat();
        assert_eq!(find(&outer), Ok(None));
    }

    #[test]
    fn hostile_files_are_refused() {
        let one = with_manifest(&EMPTY, b"x").unwrap();
        let twice = [one.as_slice(), &one[8..]].concat();
        assert_eq!(find(&twice), Err(ManifestError::Twice));
        let large = vec![b' '; MAX_MANIFEST + 1];
        assert_eq!(with_manifest(&EMPTY, &large), Err(ManifestError::TooLarge(large.len())));
        for rest in [
            &[0][..],
            &[0, 5, 1],
            &[0, 0],
            &[0, 0x80],
            &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            &[0, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0, 1, 2],
        ] {
            let file = [&EMPTY, rest].concat();
            assert!(matches!(find(&file), Err(ManifestError::NoComponent(_))), "{rest:?}");
        }
        for file in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", b"\x7fELF\x0d\0\x01\0"] {
            assert!(matches!(find(file), Err(ManifestError::NoComponent(_))), "{file:?}");
        }
    }
}
