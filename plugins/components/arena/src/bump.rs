//! The arithmetic of the allocator, on plain addresses: the same code natively in tests.

use core::ops::Range;

/// Where the addresses come from.
pub trait Memory {
    /// The bytes that are there from the start, zeroed.
    fn first(&self) -> Range<usize>;
    /// At least `bytes` more, zeroed. `None` when there are no more to be had.
    fn grow(&mut self, bytes: usize) -> Option<Range<usize>>;
}

/// How much is asked for at once, at least and at most, unless one allocation needs more.
const SMALLEST_STEP: usize = 128 * 1024;
const LARGEST_STEP: usize = 2 * 1024 * 1024;

/// The free addresses of a memory. All zero in the beginning, so that a static one takes no data
/// segment.
#[derive(Debug)]
pub struct Bump {
    /// Where the present run of addresses begins.
    start: usize,
    /// Next free address.
    top: usize,
    /// End of the free addresses. 0: nothing was allocated yet.
    end: usize,
    /// Addresses from here to `end` have never been handed out: they are still zero.
    clean: usize,
    /// How much to ask for next time.
    step: usize,
}

impl Bump {
    /// Before the first allocation.
    pub const fn new() -> Self {
        Self { start: 0, top: 0, end: 0, clean: 0, step: 0 }
    }

    /// The address of `size` free bytes. `align` is a power of two.
    pub fn allocate(&mut self, memory: &mut impl Memory, size: usize, align: usize) -> Option<usize> {
        if self.end == 0 {
            self.enter(memory.first());
        }
        if let Some(address) = self.carve(size, align) {
            return Some(address);
        }
        self.extend(memory, size.checked_add(align)?)?;
        self.carve(size, align)
    }

    /// The same, and how many bytes from the beginning must be overwritten with zeros.
    pub fn allocate_zeroed(
        &mut self,
        memory: &mut impl Memory,
        size: usize,
        align: usize,
    ) -> Option<(usize, usize)> {
        let (start, clean) = (self.start, self.clean);
        let address = self.allocate(memory, size, align)?;
        // Below the old mark the bytes had an owner before; a new run is zero throughout.
        let used = if self.start == start { clean.saturating_sub(address).min(size) } else { 0 };
        Some((address, used))
    }

    /// Takes the bytes back if they are the newest allocation.
    pub fn release(&mut self, address: usize, size: usize) {
        if self.is_newest(address, size) {
            self.top = address;
        }
    }

    /// Makes an allocation larger or smaller without moving it. False: it has to move.
    pub fn resize(&mut self, memory: &mut impl Memory, address: usize, size: usize, new_size: usize) -> bool {
        if !self.is_newest(address, size) {
            return new_size <= size;
        }
        let Some(new_top) = address.checked_add(new_size) else { return false };
        if new_top > self.end {
            let (start, missing) = (self.start, new_top.saturating_sub(self.end));
            // The new bytes may be elsewhere; then the present run is given up.
            if self.extend(memory, missing).is_none() || self.start != start {
                return false;
            }
        }
        self.top = new_top;
        self.clean = self.clean.max(new_top);
        true
    }

    fn is_newest(&self, address: usize, size: usize) -> bool {
        address.checked_add(size) == Some(self.top)
    }

    fn carve(&mut self, size: usize, align: usize) -> Option<usize> {
        let mask = align.checked_sub(1)?;
        let address = self.top.checked_add(mask)? & !mask;
        let top = address.checked_add(size)?;
        if top > self.end {
            return None;
        }
        self.top = top;
        self.clean = self.clean.max(top);
        Some(address)
    }

    fn extend(&mut self, memory: &mut impl Memory, bytes: usize) -> Option<()> {
        let step = self.step.clamp(SMALLEST_STEP, LARGEST_STEP);
        // When the memory has no room for a whole step, what is needed may still fit.
        let grown = memory.grow(bytes.max(step)).or_else(|| memory.grow(bytes))?;
        self.step = step.saturating_mul(2);
        if grown.start == self.end {
            self.end = grown.end;
        } else {
            self.enter(grown);
        }
        Some(())
    }

    fn enter(&mut self, addresses: Range<usize>) {
        self.start = addresses.start;
        self.top = addresses.start;
        self.clean = addresses.start;
        self.end = addresses.end;
    }
}

impl Default for Bump {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory of two runs: a first one, and one that grows at its end.
    struct Model {
        first: Range<usize>,
        grown: usize,
        limit: usize,
        calls: usize,
    }

    impl Model {
        fn new(first: Range<usize>, grown: usize, limit: usize) -> Self {
            Self { first, grown, limit, calls: 0 }
        }
    }

    impl Memory for Model {
        fn first(&self) -> Range<usize> {
            self.first.clone()
        }

        fn grow(&mut self, bytes: usize) -> Option<Range<usize>> {
            self.calls = self.calls.saturating_add(1);
            let pages = bytes.next_multiple_of(65_536);
            let end = self.grown.checked_add(pages).filter(|&end| end <= self.limit)?;
            let start = core::mem::replace(&mut self.grown, end);
            Some(start..end)
        }
    }

    #[test]
    fn addresses_are_aligned_and_do_not_overlap() {
        let mut memory = Model::new(1_001..2_000, 65_536, 1 << 24);
        let mut bump = Bump::new();
        let mut taken: Vec<Range<usize>> = Vec::new();
        for (size, align) in [(1, 1), (8, 8), (3, 2), (500, 16), (900, 4), (200_000, 8), (1, 64), (0, 1)] {
            let address = bump.allocate(&mut memory, size, align).unwrap();
            assert_eq!(address % align, 0);
            let range = address..address + size;
            assert!(
                taken.iter().all(|other| range.end <= other.start || other.end <= range.start),
                "{range:?}"
            );
            assert!(
                (range.start >= 1_001 && range.end <= 2_000)
                    || (range.start >= 65_536 && range.end <= memory.grown)
            );
            taken.push(range);
        }
    }

    #[test]
    fn the_newest_grows_in_place_and_others_do_not() {
        let mut memory = Model::new(1_024..66_560, 1 << 20, 1 << 24);
        let mut bump = Bump::new();
        let older = bump.allocate(&mut memory, 16, 8).unwrap();
        let newest = bump.allocate(&mut memory, 16, 8).unwrap();
        assert!(!bump.resize(&mut memory, older, 16, 32));
        assert!(bump.resize(&mut memory, older, 16, 8), "smaller needs no move");
        assert!(bump.resize(&mut memory, newest, 16, 4_096));
        assert_eq!(bump.allocate(&mut memory, 1, 1).unwrap(), newest + 4_096);
        assert_eq!(memory.calls, 0);
    }

    #[test]
    fn the_newest_grows_over_the_end_of_a_grown_run() {
        let mut memory = Model::new(1_024..2_048, 1 << 20, 1 << 24);
        let mut bump = Bump::new();
        let address = bump.allocate(&mut memory, 4_096, 8).unwrap();
        assert_eq!(address, 1 << 20);
        assert!(bump.resize(&mut memory, address, 4_096, 400_000));
        assert_eq!(bump.allocate(&mut memory, 8, 8).unwrap(), address + 400_000);
    }

    #[test]
    fn the_newest_moves_when_its_run_ends() {
        let mut memory = Model::new(1_024..2_048, 1 << 20, 1 << 24);
        let mut bump = Bump::new();
        let address = bump.allocate(&mut memory, 512, 8).unwrap();
        assert!(!bump.resize(&mut memory, address, 512, 4_096));
        assert_eq!(bump.allocate(&mut memory, 4_096, 8).unwrap(), 1 << 20);
    }

    #[test]
    fn what_is_released_is_used_again_and_zeroed_when_asked_for() {
        let mut memory = Model::new(1_024..66_560, 1 << 20, 1 << 24);
        let mut bump = Bump::new();
        assert_eq!(bump.allocate_zeroed(&mut memory, 64, 8), Some((1_024, 0)));
        bump.release(1_024, 64);
        assert_eq!(
            bump.allocate_zeroed(&mut memory, 100, 8),
            Some((1_024, 64)),
            "64 of 100 were used before"
        );
        bump.release(1_024, 100);
        assert_eq!(bump.allocate_zeroed(&mut memory, 10, 8), Some((1_024, 10)));
        // A new run is clean, whatever its address.
        let (address, used) = bump.allocate_zeroed(&mut memory, 100_000, 8).unwrap();
        assert_eq!((address, used), (1 << 20, 0));
    }

    #[test]
    fn a_new_run_below_the_first_is_clean_too() {
        let mut memory = Model::new(1 << 20..(1 << 20) + 1_024, 65_536, 1 << 19);
        let mut bump = Bump::new();
        bump.allocate(&mut memory, 1_000, 8).unwrap();
        assert_eq!(bump.allocate_zeroed(&mut memory, 2_000, 8), Some((65_536, 0)));
    }

    #[test]
    fn an_exhausted_memory_yields_none_and_stays_usable() {
        let mut memory = Model::new(1_024..66_560, 1 << 20, (1 << 20) + 65_536);
        let mut bump = Bump::new();
        assert_eq!(bump.allocate(&mut memory, 1 << 21, 8), None);
        assert_eq!(bump.allocate(&mut memory, usize::MAX, 8), None);
        assert_eq!(bump.allocate(&mut memory, 100, 8), Some(1_024));
        assert!(bump.allocate(&mut memory, 65_500, 1).is_some(), "less than a step is left, and enough");
        assert_eq!(bump.allocate(&mut memory, 65_500, 8), None);
    }
}
