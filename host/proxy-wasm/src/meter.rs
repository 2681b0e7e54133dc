//! Memory and tables of an instance.

use wasmtime::ResourceLimiter;

/// Refuses growth beyond the limits, and remembers that it did.
pub(crate) struct Meter {
    memory: usize,
    table_elements: usize,
    pub(crate) refused: bool,
}

impl Meter {
    pub(crate) fn new(memory: usize, table_elements: usize) -> Self {
        Self { memory, table_elements, refused: false }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.memory;
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.table_elements;
        self.refused |= !granted;
        Ok(granted)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        4
    }
}
