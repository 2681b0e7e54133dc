//! nginx's list of header fields: parts of an array each.
//!
//! Readers of nginx step into a following part without a look at its length, so that no part but the
//! first may be empty. Elements are pointed at from elsewhere (`headers_in.host`): none is moved.

use std::ptr;

use nginx_sys::{
    ngx_hash_strlow, ngx_list_part_t, ngx_list_push, ngx_list_t, ngx_pcalloc, ngx_pnalloc, ngx_pool_t,
    ngx_table_elt_t,
};

use super::text;

/// The fields in order.
///
/// # Safety
/// The list holds `ngx_table_elt_t` and is not changed while the iterator lives.
pub(crate) unsafe fn fields(list: *mut ngx_list_t) -> Fields {
    // SAFETY: the caller's.
    Fields { part: unsafe { &raw mut (*list).part }, index: 0 }
}

pub(crate) struct Fields {
    part: *mut ngx_list_part_t,
    index: usize,
}

impl Iterator for Fields {
    type Item = *mut ngx_table_elt_t;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.part.is_null() {
            // SAFETY: parts of a valid list.
            unsafe {
                if self.index < (*self.part).nelts {
                    let field = (*self.part).elts.cast::<ngx_table_elt_t>().add(self.index);
                    self.index += 1;
                    return Some(field);
                }
                self.part = (*self.part).next;
            }
            self.index = 0;
        }
        None
    }
}

/// Appends a field, with copies of name and value.
///
/// # Safety
/// List and pool are valid; the list holds fields.
pub(crate) unsafe fn push(
    list: *mut ngx_list_t,
    pool: *mut ngx_pool_t,
    name: &[u8],
    value: &[u8],
) -> Option<*mut ngx_table_elt_t> {
    // SAFETY: the caller's; what nginx gives is checked for null.
    unsafe {
        let key = text::copied(pool, name)?;
        let value = text::copied(pool, value)?;
        let lower = ngx_pnalloc(pool, name.len() + 1).cast::<u8>();
        if lower.is_null() {
            return None;
        }
        let hash = ngx_hash_strlow(lower, key.data, key.len);
        let field = ngx_list_push(list).cast::<ngx_table_elt_t>();
        if field.is_null() {
            return None;
        }
        ptr::write_bytes(field, 0, 1);
        (*field).hash = hash;
        (*field).key = key;
        (*field).value = value;
        (*field).lowcase_key = lower;
        Some(field)
    }
}

/// Takes a field out.
///
/// # Safety
/// As [`push`]; the field is one of the list.
pub(crate) unsafe fn remove(
    list: *mut ngx_list_t,
    pool: *mut ngx_pool_t,
    field: *mut ngx_table_elt_t,
) -> Option<()> {
    // SAFETY: the caller's.
    unsafe {
        let first = &raw mut (*list).part;
        let mut before: *mut ngx_list_part_t = ptr::null_mut();
        let mut part = first;
        while !part.is_null() {
            let start = (*part).elts.cast::<ngx_table_elt_t>();
            let count = (*part).nelts;
            let Some(index) = (0..count).find(|index| start.add(*index) == field) else {
                before = part;
                part = (*part).next;
                continue;
            };
            if index == 0 {
                (*part).elts = start.add(1).cast();
                (*part).nelts = count - 1;
            } else if index == count - 1 {
                (*part).nelts = count - 1;
            } else {
                let rest = ngx_pcalloc(pool, size_of::<ngx_list_part_t>()).cast::<ngx_list_part_t>();
                if rest.is_null() {
                    return None;
                }
                (*rest).elts = start.add(index + 1).cast();
                (*rest).nelts = count - index - 1;
                (*rest).next = (*part).next;
                (*part).nelts = index;
                (*part).next = rest;
                if (*list).last == part {
                    (*list).last = rest;
                }
            }
            if (*part).nelts == 0 && !before.is_null() {
                (*before).next = (*part).next;
                if (*list).last == part {
                    (*list).last = before;
                }
            }
            return seal(list, pool);
        }
        None
    }
}

/// The last part takes no more elements where others may have been: the next field begins a part.
unsafe fn seal(list: *mut ngx_list_t, pool: *mut ngx_pool_t) -> Option<()> {
    const FRESH: usize = 8;
    // SAFETY: the caller's.
    unsafe {
        let last = (*list).last;
        if (*last).nelts == 0 {
            let elements = ngx_pcalloc(pool, FRESH * (*list).size);
            if elements.is_null() {
                return None;
            }
            (*last).elts = elements;
            (*list).nalloc = FRESH;
        } else {
            // Full: and a new part has room for that many.
            (*list).nalloc = (*last).nelts;
        }
        Some(())
    }
}
