//! Kerberos tickets, judged with the operator's keytab.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use postern_kerberos::{Acceptor, Keytab, Principal};
use postern_kernel::clock::Timestamp;
use postern_kernel::kerberos::{Ticket, TicketRefused, Tickets};
use zeroize::Zeroizing;

use crate::config::{Configuration, Misfit};

/// Bytes of a keytab that are read: one more than it may have.
const MOST: u64 = (1 << 20) + 1;

/// A service with its keys.
struct Service(Acceptor);

/// Who judges tickets, as `[kerberos]` says. `None`: there is no such section.
///
/// # Errors
/// The field that is wrong.
pub(crate) fn tickets(configuration: &Configuration) -> Result<Option<Arc<dyn Tickets>>, Misfit> {
    let Some(kerberos) = &configuration.kerberos else { return Ok(None) };
    let service = Principal::parse(&kerberos.service).ok_or_else(|| {
        Misfit::new("kerberos.service", "must be such as \"HTTP/sso.example.com@EXAMPLE.COM\"")
    })?;
    let file = &kerberos.keytab;
    let wrong = |problem: &dyn std::fmt::Display| {
        Misfit::new("kerberos.keytab", format!("{}: {problem}", file.display()))
    };
    let bytes = read(file).map_err(|problem| wrong(&problem))?;
    let keytab = Keytab::read(&bytes).map_err(|error| wrong(&error))?;
    let none = || wrong(&format!("kerberos.keytab.service: it has no key of {}", kerberos.service));
    let acceptor = Acceptor::new(keytab, service).ok_or_else(none)?;
    Ok(Some(Arc::new(Service(acceptor))))
}

/// The file, when it is its owner's alone.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_file() || !matches!(mode, 0o600 | 0o400) {
        return Err(format!(
            "kerberos.keytab.permissions: mode {mode:04o}: make it 0600 or 0400 (chmod 600)"
        ));
    }
    // With its size at once: what a vector grows out of is not wiped.
    let size = usize::try_from(metadata.len().min(MOST)).map_err(|error| error.to_string())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    file.take(MOST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

impl Tickets for Service {
    fn judge(&self, ap_req: &[u8], now: Timestamp) -> Result<Ticket, TicketRefused> {
        let accepted = self.0.accept(ap_req, now.0).map_err(|refusal| {
            let detail = refusal.to_string().chars().filter(|character| !character.is_control()).collect();
            TicketRefused { code: refusal.code, detail }
        })?;
        let Principal { realm, name } = accepted.client;
        let quoted = |part: &String| part.replace('\\', "\\\\").replace('/', "\\/").replace('@', "\\@");
        let name = name.iter().map(quoted).collect::<Vec<_>>().join("/");
        Ok(Ticket { name, realm, replay: accepted.replay, until: Timestamp(accepted.until) })
    }
}
