//! Instructions of a thread, as the processor counts them: between two versions of a filter they tell
//! what time can't on a machine with neighbours.
#![allow(unsafe_code, reason = "the standard library has no perf_event_open(2)")]

use std::fs::File;
use std::io::Read as _;
use std::os::fd::FromRawFd as _;

/// A counter of one thread.
pub(super) struct Instructions(File);

impl Instructions {
    /// Begins to count; none where the kernel does not allow it, or the machine has no counter.
    pub(super) fn of_thread(thread: libc::pid_t) -> Option<Self> {
        // `struct perf_event_attr`: type 0 (hardware), its size, event 1 (instructions), and the flags
        // exclude_kernel and exclude_hv.
        let mut attributes = [0_u64; 16];
        attributes[0] = 128 << 32;
        attributes[1] = 1;
        attributes[5] = (1 << 5) | (1 << 6);
        let (any_processor, no_group, no_flags) = (-1, -1, 0_u64);
        // SAFETY: the attributes live and have the size that is in them; nothing else is a pointer.
        let file = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                attributes.as_ptr(),
                thread,
                any_processor,
                no_group,
                no_flags,
            )
        };
        let file = i32::try_from(file).ok().filter(|file| *file >= 0)?;
        // SAFETY: the descriptor was opened above, and nobody else has it.
        Some(Self(unsafe { File::from_raw_fd(file) }))
    }

    /// How many it has executed since.
    pub(super) fn so_far(&self) -> Option<u64> {
        let mut count = [0; 8];
        (&self.0).read_exact(&mut count).ok()?;
        Some(u64::from_ne_bytes(count))
    }
}
