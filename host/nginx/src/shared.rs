//! What the workers share: values and metrics, in memory that outlives reloads.
//!
//! nginx's slab allocator and its lock guard it. Pointers hold in every worker: all are forks of the
//! master, which has mapped the memory.
//!
//! A worker can be killed between any two instructions. nginx takes its lock off then. What is found by
//! others is published by one store of a pointer, value and version together, after it is whole; what the
//! allocator was doing is not known, so that a mark is set while it is at work: whoever takes the lock and
//! finds the mark sets the allocator up anew and puts the values back ([`recovery`]).

mod counters;
mod recovery;

use std::num::NonZeroU32;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use nginx_sys::{
    NGX_ERROR, NGX_OK, ngx_conf_t, ngx_int_t, ngx_shared_memory_add, ngx_shm_zone_t, ngx_shmtx_lock,
    ngx_shmtx_unlock, ngx_slab_alloc_locked, ngx_slab_free_locked, ngx_slab_pool_t,
};
use postern_proxy_wasm::Status;

use crate::guarded::guarded;
use crate::module::module;
use crate::ngx::text;
use counters::{METRICS, Metric};

const BUCKETS: usize = 1024;

/// At the begin of the memory, all zero when it is new.
#[repr(C)]
struct Root {
    /// Not 0 while somebody who has the lock is in the allocator, or between it and the table.
    at_work: AtomicU32,
    buckets: [*mut Entry; BUCKETS],
    metrics: [Metric; METRICS],
}

#[repr(C)]
struct Entry {
    next: *mut Entry,
    key_size: usize,
    /// A block of its own: a value is replaced by writing one pointer, so that a worker that is killed
    /// leaves the one or the other.
    value: *mut Value,
    // The key follows.
}

#[repr(C)]
struct Value {
    size: usize,
    /// The value and its version are replaced at once: a worker that was killed between the two would have
    /// left a version that a second writer takes for the one that it read.
    version: u32,
    // The bytes follow.
}

/// The memory, in the process that uses it.
#[derive(Clone, Copy)]
pub(crate) struct Zone {
    pool: *mut ngx_slab_pool_t,
    root: *mut Root,
}

/// Asks nginx for the memory.
///
/// # Safety
/// `cf` is nginx's, while it reads the configuration.
pub(crate) unsafe fn declare(cf: *mut ngx_conf_t, size: usize) -> *mut ngx_shm_zone_t {
    // With the number of the layout below: a reload after an upgrade of the module must not find memory
    // that the module before laid out, and gets a zone of another name.
    let mut name = text::literal(b"postern_3");
    // SAFETY: the caller's.
    unsafe {
        let zone = ngx_shared_memory_add(cf, &raw mut name, size, module().cast());
        if !zone.is_null() {
            (*zone).init = Some(init);
            (*zone).data = ptr::null_mut();
        }
        zone
    }
}

unsafe extern "C" fn init(zone: *mut ngx_shm_zone_t, old: *mut std::ffi::c_void) -> ngx_int_t {
    guarded("the shared memory", NGX_ERROR as ngx_int_t, || {
        // SAFETY: nginx's zone, mapped; nobody else uses a new one yet.
        unsafe {
            if !old.is_null() {
                // After a reload: what was there stays.
                (*zone).data = old;
                return NGX_OK as ngx_int_t;
            }
            let pool = (*zone).shm.addr.cast::<ngx_slab_pool_t>();
            if (*zone).shm.exists != 0 {
                (*zone).data = (*pool).data;
                return NGX_OK as ngx_int_t;
            }
            let root = ngx_slab_alloc_locked(pool, size_of::<Root>());
            if root.is_null() {
                return NGX_ERROR as ngx_int_t;
            }
            ptr::write_bytes(root.cast::<u8>(), 0, size_of::<Root>());
            // A table that is full is no error of nginx: who writes is told.
            (*pool).set_log_nomem(0);
            (*pool).data = root;
            (*zone).data = root;
        }
        NGX_OK as ngx_int_t
    })
}

struct Lock(*mut ngx_slab_pool_t);

impl Drop for Lock {
    fn drop(&mut self) {
        // SAFETY: of `Zone::lock`.
        unsafe { ngx_shmtx_unlock(&raw mut (*self.0).mutex) };
    }
}

impl Zone {
    /// The memory of a zone that nginx has mapped.
    ///
    /// # Safety
    /// The zone is valid or null.
    pub(crate) unsafe fn of(zone: *mut ngx_shm_zone_t) -> Option<Self> {
        // SAFETY: the caller's.
        unsafe {
            if zone.is_null() || (*zone).data.is_null() {
                return None;
            }
            Some(Self { pool: (*zone).shm.addr.cast(), root: (*zone).data.cast() })
        }
    }

    /// The lock, of a table that is whole.
    fn lock(&self) -> Result<Lock, Status> {
        // SAFETY: mapped memory.
        unsafe { ngx_shmtx_lock(&raw mut (*self.pool).mutex) };
        let lock = Lock(self.pool);
        if self.at_work().load(Ordering::Acquire) != 0 {
            recovery::recover(self)?;
        }
        Ok(lock)
    }

    fn at_work(&self) -> &AtomicU32 {
        // SAFETY: mapped memory.
        unsafe { &(*self.root).at_work }
    }

    pub(crate) fn value(&self, key: &[u8], value: &mut Vec<u8>) -> Result<u32, Status> {
        let _lock = self.lock()?;
        // SAFETY: under the lock entries are whole.
        unsafe {
            let entry = self.find(key).ok_or(Status::NotFound)?;
            let block = (*entry).value;
            value.extend_from_slice(bytes_of(block));
            Ok((*block).version)
        }
    }

    pub(crate) fn set_value(
        &self,
        key: &[u8],
        value: &[u8],
        version: Option<NonZeroU32>,
    ) -> Result<(), Status> {
        let _lock = self.lock()?;
        // SAFETY: under the lock entries are whole.
        unsafe {
            let found = self.find(key);
            if let (Some(entry), Some(version)) = (found, version)
                && version.get() != (*(*entry).value).version
            {
                return Err(Status::CasMismatch);
            }
            self.at_work().store(1, Ordering::Release);
            compiler_fence(Ordering::SeqCst);
            let written = match found {
                Some(entry) => self.replace(entry, value),
                None => self.insert(key, value, 1),
            };
            compiler_fence(Ordering::SeqCst);
            self.at_work().store(0, Ordering::Release);
            written
        }
    }

    unsafe fn replace(&self, entry: *mut Entry, value: &[u8]) -> Result<(), Status> {
        // SAFETY: under the lock; what nginx gives is checked for null.
        unsafe {
            let before = (*entry).value;
            let version = (*before).version.checked_add(1).unwrap_or(1);
            let block = self.block(value, version)?;
            // The block is written before anybody finds it.
            compiler_fence(Ordering::SeqCst);
            (&raw mut (*entry).value).write_volatile(block);
            compiler_fence(Ordering::SeqCst);
            ngx_slab_free_locked(self.pool, before.cast());
        }
        Ok(())
    }

    unsafe fn insert(&self, key: &[u8], value: &[u8], version: u32) -> Result<(), Status> {
        // SAFETY: as above.
        unsafe {
            let entry = ngx_slab_alloc_locked(self.pool, size_of::<Entry>() + key.len()).cast::<Entry>();
            if entry.is_null() {
                return Err(Status::InternalFailure);
            }
            let block =
                self.block(value, version).inspect_err(|_| ngx_slab_free_locked(self.pool, entry.cast()))?;
            let bucket = self.bucket(key);
            entry.write(Entry { next: *bucket, key_size: key.len(), value: block });
            entry.add(1).cast::<u8>().copy_from_nonoverlapping(key.as_ptr(), key.len());
            compiler_fence(Ordering::SeqCst);
            bucket.write_volatile(entry);
        }
        Ok(())
    }

    unsafe fn block(&self, value: &[u8], version: u32) -> Result<*mut Value, Status> {
        // SAFETY: as above.
        unsafe {
            let block = ngx_slab_alloc_locked(self.pool, size_of::<Value>() + value.len()).cast::<Value>();
            if block.is_null() {
                return Err(Status::InternalFailure);
            }
            block.write(Value { size: value.len(), version });
            block.add(1).cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len());
            Ok(block)
        }
    }

    unsafe fn find(&self, key: &[u8]) -> Option<*mut Entry> {
        // SAFETY: under the lock.
        unsafe {
            let mut entry = *self.bucket(key);
            while !entry.is_null() {
                if key_of(entry) == key {
                    return Some(entry);
                }
                entry = (*entry).next;
            }
        }
        None
    }

    unsafe fn bucket(&self, key: &[u8]) -> *mut *mut Entry {
        // FNV-1a: keys are the filters' own.
        let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // SAFETY: within the array.
        unsafe { (&raw mut (*self.root).buckets).cast::<*mut Entry>().add(hash as usize % BUCKETS) }
    }
}

/// # Safety
/// An entry of the table, under the lock.
unsafe fn key_of<'a>(entry: *mut Entry) -> &'a [u8] {
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts(entry.add(1).cast::<u8>(), (*entry).key_size) }
}

/// # Safety
/// A value of the table, under the lock.
unsafe fn bytes_of<'a>(block: *mut Value) -> &'a [u8] {
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts(block.add(1).cast::<u8>(), (*block).size) }
}
