//! JSON in the middle of nginx's configuration.
//!
//! nginx's own reader knows words and braces; a JSON text has both in its strings. So the text is read
//! from the file as it stands, and nginx goes on behind it.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

use nginx_sys::{ngx_conf_t, off_t};

/// Bytes of one such text.
const MOST: usize = 16 << 20;

/// The JSON object whose opening brace nginx has read just now.
///
/// # Safety
/// `cf` is nginx's, in a directive that is a block.
pub(crate) unsafe fn take(cf: *mut ngx_conf_t) -> Result<Vec<u8>, String> {
    // SAFETY: the caller's.
    unsafe {
        let file = (*cf).conf_file;
        if file.is_null() || (*file).file.fd < 0 {
            return Err("it has to stand in a file".into());
        }
        let buffer = (*file).buffer;
        let unread = (*buffer).last.offset_from_unsigned((*buffer).pos);
        let offset = u64::try_from((*file).file.offset).map_err(|error| error.to_string())?;
        let begin = offset.checked_sub(unread as u64).ok_or("nginx has lost its place")?;
        // nginx owns the descriptor.
        let reader = ManuallyDrop::new(File::from_raw_fd((*file).file.fd));
        let mut rest = Vec::new();
        let mut block = vec![0; 64 << 10];
        let length = loop {
            if let Some(length) = end_of_object(&rest) {
                break length;
            }
            if rest.len() > MOST {
                return Err(format!("the JSON has more than {MOST} bytes"));
            }
            let at = begin + rest.len() as u64;
            let count = reader.read_at(&mut block, at).map_err(|error| error.to_string())?;
            if count == 0 {
                return Err("the JSON has no end".into());
            }
            rest.extend_from_slice(block.get(..count).unwrap_or_default());
        };
        rest.truncate(length);
        // nginx reads on behind the closing brace. It must read nothing a second time: it keeps a copy of
        // all that it reads, in memory of the size of the file.
        if length <= unread {
            (*buffer).pos = (*buffer).pos.add(length);
        } else {
            (*buffer).pos = (*buffer).start;
            (*buffer).last = (*buffer).start;
            (*file).file.offset =
                off_t::try_from(begin + length as u64).map_err(|error| error.to_string())?;
        }
        (*file).line += rest.iter().filter(|byte| **byte == b'\n').count();
        Ok([b"{", rest.as_slice()].concat())
    }
}

/// How many bytes there are up to the brace that closes the object, with it; the opening one came
/// before.
fn end_of_object(text: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (1_usize, false, false);
    for (index, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}
