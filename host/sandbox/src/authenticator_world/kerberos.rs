//! `kerberos`, answered by the kernel.

use postern_kernel::services::TicketVerdict;

use super::AuthenticatorState;
use super::bindings::postern::idp::kerberos;
use crate::bounds;
use crate::stop::Stop;

/// Most bytes of an AP-REQ: those of people in many groups are large.
const AP_REQ: usize = 64 << 10;

impl kerberos::Host for AuthenticatorState {
    async fn accept(&mut self, ap_req: Vec<u8>) -> wasmtime::Result<kerberos::Verdict> {
        let services = self.counted()?;
        self.asked("kerberos.accept", ap_req.len());
        bounds::size("accept: ap-req", ap_req.len(), AP_REQ)?;
        let judged = self.wait(services.accept_ticket(&ap_req)).await?.map_err(Stop::output)?;
        Ok(match judged {
            TicketVerdict::Accepted { name, realm } => {
                kerberos::Verdict::Accepted(kerberos::Principal { name, realm })
            }
            TicketVerdict::Refused(code) => kerberos::Verdict::Refused(code.to_owned()),
            TicketVerdict::Unavailable => kerberos::Verdict::Unavailable,
        })
    }
}
