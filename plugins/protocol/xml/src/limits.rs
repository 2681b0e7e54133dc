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
    /// Longest name of a namespace in bytes, as it is written. Every name of an element or of an
    /// attribute in it holds a copy: one of 32 KiB, used 4,000 times, would be 128 MiB.
    pub max_namespace: usize,
    /// Most namespace declarations in scope, those of all open elements together. The parser goes
    /// through them for every name: 800 of them and 6,000 names in 64 KiB took 60 ms.
    pub max_namespaces: usize,
}

impl Default for Limits {
    /// Bounds for a protocol message: 64 KiB, 32 deep, 512 elements, 32 attributes each, namespaces of
    /// 256 bytes, 64 of them in scope.
    fn default() -> Self {
        Self {
            max_bytes: 65_536,
            max_depth: 32,
            max_elements: 512,
            max_attributes: 32,
            max_namespace: 256,
            max_namespaces: 64,
        }
    }
}

impl Limits {
    /// Bounds for a metadata file of one entity: 1 MiB, 32 deep, 8,192 elements, 64 attributes each,
    /// namespaces of 256 bytes, 64 of them in scope.
    pub const METADATA: Self = Self {
        max_bytes: 1_048_576,
        max_depth: 32,
        max_elements: 8_192,
        max_attributes: 64,
        max_namespace: 256,
        max_namespaces: 64,
    };

    /// Longest canonical form in bytes: four times the document. End tags, escapes and namespaces
    /// make it longer than its source, by little in any message that is meant well.
    pub(crate) fn max_canonical(&self) -> usize {
        self.max_bytes.saturating_mul(4)
    }
}
