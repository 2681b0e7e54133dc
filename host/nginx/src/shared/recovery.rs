//! After a worker that was killed while the allocator was at work.

use std::ptr;
use std::sync::atomic::{Ordering, compiler_fence};

use nginx_sys::{NGX_LOG_ALERT, NGX_LOG_WARN, ngx_slab_alloc_locked, ngx_slab_init};
use postern_proxy_wasm::Status;

use super::{BUCKETS, Entry, Root, Zone, bytes_of, key_of};
use crate::ngx::log;

/// Sets the allocator up anew and puts the values back. The lock is ours and the mark is set; it stays set
/// when this process is killed meanwhile (then what was not yet put back is lost), and when it fails: then
/// nothing is read or written, and filters are told.
///
/// What nginx's allocator keeps of itself lies beside the blocks that are in use, which it does not touch: the
/// table and its values are whole.
pub(super) fn recover(zone: &Zone) -> Result<(), Status> {
    // SAFETY: under the lock; each pointer is looked at before it is followed.
    unsafe {
        let kept = values(zone);
        let buckets = (&raw mut (*zone.root).buckets).cast::<*mut Entry>();
        for number in 0..BUCKETS {
            buckets.add(number).write_volatile(ptr::null_mut());
        }
        compiler_fence(Ordering::SeqCst);
        ngx_slab_init(zone.pool);
        (*zone.pool).set_log_nomem(0);
        // The first block of a new zone: where it was before, with all that is in it.
        let root = ngx_slab_alloc_locked(zone.pool, size_of::<Root>());
        if root != zone.root.cast() {
            log::cycle(NGX_LOG_ALERT, "postern: the shared memory can't be set up anew");
            return Err(Status::InternalFailure);
        }
        let all = kept.len();
        let back = kept
            .into_iter()
            .filter(|(key, value, version)| zone.insert(key, value, *version).is_ok())
            .count();
        compiler_fence(Ordering::SeqCst);
        zone.at_work().store(0, Ordering::Release);
        let text =
            format!("postern: a worker died while it wrote shared memory: {back} of {all} values kept");
        log::cycle(NGX_LOG_WARN, &text);
    }
    Ok(())
}

/// Key, value and version of each entry.
///
/// # Safety
/// The lock is ours.
unsafe fn values(zone: &Zone) -> Vec<(Vec<u8>, Vec<u8>, u32)> {
    let mut all = Vec::new();
    // SAFETY: the caller's; pointers and lengths lead into the memory, or the chain ends there.
    unsafe {
        for number in 0..BUCKETS {
            let mut entry = *(&raw mut (*zone.root).buckets).cast::<*mut Entry>().add(number);
            while is_within(zone, entry, 0) && is_within(zone, entry, (*entry).key_size) {
                let value = (*entry).value;
                if is_within(zone, value, 0) && is_within(zone, value, (*value).size) {
                    all.push((key_of(entry).to_vec(), bytes_of(value).to_vec(), (*value).version));
                }
                entry = (*entry).next;
            }
        }
    }
    all
}

/// Whether a head and that many bytes behind it lie in the zone's pages.
///
/// # Safety
/// The lock is ours.
unsafe fn is_within<T>(zone: &Zone, head: *mut T, more: usize) -> bool {
    // SAFETY: the caller's.
    let (start, end) = unsafe { ((*zone.pool).start as usize, (*zone.pool).end as usize) };
    let begin = head as usize;
    let last = begin.checked_add(size_of::<T>()).and_then(|at| at.checked_add(more));
    begin >= start && head.is_aligned() && last.is_some_and(|last| last <= end)
}
