//! Ports of the loopback interface for the servers that tests start.
//!
//! A server that is told its port takes it some time after the test has chosen it. A port that the operating
//! system hands out (`bind` to 0) is by then free for everybody again, and every connection that leaves this
//! machine takes one of the same range. So these come from below that range, and a lock on a file keeps
//! each of them for one process until it ends.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::{env, io, process};

/// The first port that is given away; below stand the well-known ones and those of the demo.
const FIRST: u16 = 10_000;

/// Where the ports of outgoing connections begin if the system does not say: the lowest that is in use anywhere.
const EPHEMERAL: u16 = 32_768;

/// A port of the loopback interface that nobody listens on, that no outgoing connection takes, and that no
/// other process gets from here for as long as this one runs.
///
/// # Errors
/// When the files cannot be written, or no port is left.
pub fn free_port() -> io::Result<u16> {
    static GIVEN: Mutex<Vec<(u16, File)>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().map_err(|_| io::Error::other("a thread ended while it chose a port"))?;
    let folder = folder()?;
    let ports = u32::from(ephemeral().saturating_sub(FIRST).max(1));
    // Each process begins somewhere else.
    let begin = process::id().wrapping_mul(7_919) % ports;
    for offset in 0..ports {
        let Ok(port) = u16::try_from(u32::from(FIRST) + (begin + offset) % ports) else { continue };
        if given.iter().any(|(number, _)| *number == port) {
            continue;
        }
        let lock =
            File::options().create(true).truncate(false).write(true).open(folder.join(port.to_string()))?;
        if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.push((port, lock));
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "every port below the system's own range is in use"))
}

/// Shared by all processes of a user.
fn folder() -> io::Result<PathBuf> {
    let folder = env::temp_dir().join("postern-loopback-ports");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The first port of the range that outgoing connections take theirs from.
fn ephemeral() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .filter(|first| *first > FIRST)
        .unwrap_or(EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs::File;
    use std::net::{Ipv4Addr, TcpListener};

    use super::{FIRST, ephemeral, folder, free_port};

    #[test]
    fn ports_differ_and_are_no_connections() {
        let ports: Vec<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 50);
        assert!(ports.iter().all(|port| (FIRST..ephemeral()).contains(port)), "{ports:?}");
    }

    #[test]
    fn another_process_does_not_get_it() {
        let port = free_port().unwrap();
        let file = File::open(folder().unwrap().join(port.to_string())).unwrap();
        assert!(file.try_lock().is_err());
        // Nobody listens there.
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
