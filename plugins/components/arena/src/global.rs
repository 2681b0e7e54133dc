//! The allocator as the guest's global one.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::UnsafeCell;
use core::ops::Range;
use core::ptr;

use crate::bump::{Bump, Memory};

/// Part of the memory that an instance starts with.
const FIRST: usize = 64 * 1024;
const PAGE: usize = 64 * 1024;

/// See the crate's description.
#[derive(Debug)]
pub struct Arena {
    bump: UnsafeCell<Bump>,
    first: UnsafeCell<[u8; FIRST]>,
}

impl Arena {
    /// For a `static` with `#[global_allocator]`.
    pub const fn new() -> Self {
        Self { bump: UnsafeCell::new(Bump::new()), first: UnsafeCell::new([0; FIRST]) }
    }

    /// The state and the memory.
    ///
    /// # Safety
    /// No other result of this function may be in use.
    #[allow(clippy::mut_from_ref)]
    unsafe fn parts(&self) -> (&mut Bump, Pages) {
        // SAFETY: the caller keeps it the only reference.
        (unsafe { &mut *self.bump.get() }, Pages { first: self.first.get().cast() })
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the sandbox runs components without threads (the wasm feature is switched off there), so
// that there is one caller at a time.
unsafe impl Sync for Arena {}

// SAFETY: `Bump` hands out aligned addresses that don't overlap as long as they are in use (tests
// in bump.rs); none of the calls below allocates, so that `parts` is not entered twice.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and `allocate` does not allocate.
        let (bump, mut pages) = unsafe { self.parts() };
        match bump.allocate(&mut pages, layout.size(), layout.align()) {
            Some(address) => ptr::with_exposed_provenance_mut(address),
            None => ptr::null_mut(),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let (bump, mut pages) = unsafe { self.parts() };
        match bump.allocate_zeroed(&mut pages, layout.size(), layout.align()) {
            Some((address, used)) => {
                let pointer = ptr::with_exposed_provenance_mut(address);
                // SAFETY: `used` is at most the size of the allocation that was just made.
                unsafe { ptr::write_bytes(pointer, 0, used) };
                pointer
            }
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let (bump, _) = unsafe { self.parts() };
        bump.release(pointer.addr(), layout.size());
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        let (bump, mut pages) = unsafe { self.parts() };
        if bump.resize(&mut pages, pointer.addr(), layout.size(), new_size) {
            return pointer;
        }
        let Some(address) = bump.allocate(&mut pages, new_size, layout.align()) else {
            return ptr::null_mut();
        };
        let moved = ptr::with_exposed_provenance_mut(address);
        // SAFETY: both are allocations of at least that size, and a new one does not overlap.
        unsafe { ptr::copy_nonoverlapping(pointer, moved, layout.size().min(new_size)) };
        moved
    }
}

/// The linear memory.
struct Pages {
    first: *mut u8,
}

impl Memory for Pages {
    fn first(&self) -> Range<usize> {
        let start = self.first.expose_provenance();
        start..start.saturating_add(FIRST)
    }

    fn grow(&mut self, bytes: usize) -> Option<Range<usize>> {
        let pages = bytes.div_ceil(PAGE);
        let before = memory_grow::<0>(pages);
        if before == usize::MAX {
            return None;
        }
        let start = before.checked_mul(PAGE)?;
        Some(start..start.checked_add(pages.checked_mul(PAGE)?)?)
    }
}
