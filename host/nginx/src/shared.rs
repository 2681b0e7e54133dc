//! What the workers share: values and metrics, in memory that outlives reloads.
//!
//! nginx's slab allocator and its lock guard it. Pointers hold in every worker: all are forks of the
//! master, which has mapped the memory. A worker that dies within leaves a lock that nginx takes off,
//! and a table in which each step was whole.

use std::num::NonZeroU32;
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering, compiler_fence};

use nginx_sys::{
    NGX_ERROR, NGX_OK, ngx_conf_t, ngx_int_t, ngx_shared_memory_add, ngx_shm_zone_t, ngx_shmtx_lock,
    ngx_shmtx_unlock, ngx_slab_alloc_locked, ngx_slab_free_locked, ngx_slab_pool_t,
};
use postern_proxy_wasm::{MetricKind, Status};

use crate::guarded::guarded;
use crate::module::module;
use crate::ngx::text;

const BUCKETS: usize = 1024;
const METRICS: usize = 512;
const NAME: usize = 120;

/// At the begin of the memory, all zero when it is new.
#[repr(C)]
struct Root {
    buckets: [*mut Entry; BUCKETS],
    metrics: [Metric; METRICS],
}

#[repr(C)]
struct Entry {
    next: *mut Entry,
    version: u32,
    key_size: usize,
    /// A block of its own, with its size in it: a value is replaced by writing one pointer, so that a
    /// worker that is killed leaves the one or the other.
    value: *mut Value,
    // The key follows.
}

#[repr(C)]
struct Value {
    size: usize,
    // The bytes follow.
}

#[repr(C)]
struct Metric {
    /// 0: none yet.
    name_size: usize,
    name: [u8; NAME],
    kind: u8,
    value: AtomicI64,
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
    let mut name = text::literal(b"postern_2");
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

    fn lock(&self) -> Lock {
        // SAFETY: mapped memory.
        unsafe { ngx_shmtx_lock(&raw mut (*self.pool).mutex) };
        Lock(self.pool)
    }

    pub(crate) fn value(&self, key: &[u8], value: &mut Vec<u8>) -> Result<u32, Status> {
        let _lock = self.lock();
        // SAFETY: under the lock entries are whole.
        unsafe {
            let entry = self.find(key).ok_or(Status::NotFound)?;
            let block = (*entry).value;
            value.extend_from_slice(std::slice::from_raw_parts(block.add(1).cast::<u8>(), (*block).size));
            Ok((*entry).version)
        }
    }

    pub(crate) fn set_value(
        &self,
        key: &[u8],
        value: &[u8],
        version: Option<NonZeroU32>,
    ) -> Result<(), Status> {
        let _lock = self.lock();
        // SAFETY: under the lock entries are whole; what nginx gives is checked for null.
        unsafe {
            if let Some(entry) = self.find(key) {
                if version.is_some_and(|version| version.get() != (*entry).version) {
                    return Err(Status::CasMismatch);
                }
                let block = self.copy(value)?;
                let before = (*entry).value;
                // The block is written before anybody finds it.
                compiler_fence(Ordering::Release);
                (*entry).value = block;
                (*entry).version = (*entry).version.checked_add(1).unwrap_or(1);
                ngx_slab_free_locked(self.pool, before.cast());
                return Ok(());
            }
            let entry = ngx_slab_alloc_locked(self.pool, size_of::<Entry>() + key.len()).cast::<Entry>();
            if entry.is_null() {
                return Err(Status::InternalFailure);
            }
            let block = self.copy(value).inspect_err(|_| ngx_slab_free_locked(self.pool, entry.cast()))?;
            let bucket = self.bucket(key);
            entry.write(Entry { next: *bucket, version: 1, key_size: key.len(), value: block });
            entry.add(1).cast::<u8>().copy_from_nonoverlapping(key.as_ptr(), key.len());
            compiler_fence(Ordering::Release);
            bucket.write(entry);
        }
        Ok(())
    }

    unsafe fn copy(&self, value: &[u8]) -> Result<*mut Value, Status> {
        // SAFETY: under the lock.
        unsafe {
            let block = ngx_slab_alloc_locked(self.pool, size_of::<Value>() + value.len()).cast::<Value>();
            if block.is_null() {
                return Err(Status::InternalFailure);
            }
            block.write(Value { size: value.len() });
            block.add(1).cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len());
            Ok(block)
        }
    }

    unsafe fn find(&self, key: &[u8]) -> Option<*mut Entry> {
        // SAFETY: under the lock.
        unsafe {
            let mut entry = *self.bucket(key);
            while !entry.is_null() {
                let own = std::slice::from_raw_parts(entry.add(1).cast::<u8>(), (*entry).key_size);
                if own == key {
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

    /// Defines a metric, or finds it: its place is its number.
    pub(crate) fn define(&self, kind: MetricKind, name: &[u8]) -> Result<u32, Status> {
        if name.is_empty() || name.len() > NAME {
            return Err(Status::BadArgument);
        }
        let _lock = self.lock();
        for number in 0..METRICS {
            // SAFETY: within the array, under the lock.
            unsafe {
                let metric = &mut *self.metric(number);
                if metric.name_size == 0 {
                    metric.name.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
                    metric.kind = kind as u8;
                    metric.value = AtomicI64::new(0);
                    metric.name_size = name.len();
                }
                if metric.name.get(..metric.name_size) == Some(name) && metric.kind == kind as u8 {
                    return u32::try_from(number).map_err(|_| Status::InternalFailure);
                }
            }
        }
        Err(Status::InternalFailure)
    }

    unsafe fn metric(&self, number: usize) -> *mut Metric {
        // SAFETY: the caller's.
        unsafe { (&raw mut (*self.root).metrics).cast::<Metric>().add(number) }
    }

    /// A metric that is defined.
    fn defined(&self, number: u32) -> Result<(&AtomicI64, u8), Status> {
        let number = usize::try_from(number).ok().filter(|number| *number < METRICS);
        // SAFETY: within the array; names and kinds do not change once they are there.
        unsafe {
            let metric = self.metric(number.ok_or(Status::NotFound)?);
            if (*metric).name_size == 0 {
                return Err(Status::NotFound);
            }
            Ok((&(*metric).value, (*metric).kind))
        }
    }

    pub(crate) fn record(&self, number: u32, value: u64) -> Result<(), Status> {
        let (cell, kind) = self.defined(number)?;
        if kind == MetricKind::Counter as u8 {
            return Err(Status::BadArgument);
        }
        cell.store(i64::try_from(value).map_err(|_| Status::BadArgument)?, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn increment(&self, number: u32, offset: i64) -> Result<(), Status> {
        let (cell, kind) = self.defined(number)?;
        if kind == MetricKind::Counter as u8 && offset < 0 {
            return Err(Status::BadArgument);
        }
        cell.fetch_add(offset, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn read(&self, number: u32) -> Result<u64, Status> {
        let (cell, _) = self.defined(number)?;
        Ok(u64::try_from(cell.load(Ordering::Relaxed)).unwrap_or(0))
    }

    /// Name, kind and value of each metric.
    pub(crate) fn metrics(&self) -> Vec<(String, u8, i64)> {
        (0..METRICS)
            .map_while(|number| {
                // SAFETY: within the array; names do not change once they are there.
                unsafe {
                    let metric = &*self.metric(number);
                    let name = metric.name.get(..metric.name_size).filter(|name| !name.is_empty())?;
                    let name = String::from_utf8_lossy(name).into_owned();
                    Some((name, metric.kind, metric.value.load(Ordering::Relaxed)))
                }
            })
            .collect()
    }
}
