/// Bounds of one document. All of them are checked before the parser runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest document in bytes.
    pub max_bytes: usize,
    /// Deepest nesting of elements, the root being 1.
    pub max_depth: usize,
    /// Most elements.
    pub max_elements: usize,
    /// Most attributes of one element, namespace declarations included.
    pub max_attributes: usize,
}

impl Default for Limits {
    /// Bounds for a protocol message: 64 KiB, 32 deep, 512 elements, 32 attributes each.
    fn default() -> Self {
        Self { max_bytes: 65_536, max_depth: 32, max_elements: 512, max_attributes: 32 }
    }
}

impl Limits {
    /// Bounds for a metadata file of one entity: 1 MiB, 32 deep, 8,192 elements, 64 attributes each.
    pub const METADATA: Self =
        Self { max_bytes: 1_048_576, max_depth: 32, max_elements: 8_192, max_attributes: 64 };
}
