//! `Connection` names headers that the next hop drops (RFC 9110 section 7.6.1): with it a client
//! could take off what the DMZ or the transport says.

use postern_refusal::Refusal;

use crate::header_name::{Name, is_reserved};

/// Judges the options of one `Connection` header.
///
/// # Errors
/// `endpoint.header.connection-names-reserved`: one of ours, a pseudo header, or a header that
/// the request is read by.
pub(crate) fn judge(value: &[u8]) -> Result<(), Refusal> {
    match value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).find(|option| is_needed(option)) {
        None => Ok(()),
        Some(option) => Err(Refusal::misbehaved("endpoint.header.connection-names-reserved")
            .at("Connection")
            .expected("no option that is a header of ours or of the message")
            .found_bytes(option)),
    }
}

fn is_needed(option: &[u8]) -> bool {
    // Pseudo headers start with a colon.
    option.starts_with(b":")
        || is_reserved(option)
        || option.eq_ignore_ascii_case(b"cookie")
        || matches!(
            Name::of(option),
            Name::Authorization
                | Name::ContentLength
                | Name::ContentType
                | Name::Host
                | Name::TransferEncoding
                | Name::Connection
        )
        || [&b"x-forwarded-for"[..], b"x-forwarded-proto", b"x-forwarded-client-cert"]
            .iter()
            .any(|name| option.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn options_of_the_connection_pass_and_headers_of_the_message_do_not() {
        for value in ["close", "keep-alive", "Keep-Alive, TE", "keep-alive,x-own", "", ", ,"] {
            assert!(judge(value.as_bytes()).is_ok(), "{value}");
        }
        for value in [
            "close, X-Postern-Client-Address",
            "x_postern_client_address",
            "keep-alive, :path",
            "Host",
            "close,\tContent-Length",
            "authorization",
            "transfer-encoding",
            "X-Forwarded-For",
            "cookie",
        ] {
            let refused = judge(value.as_bytes()).map_err(|refusal| refusal.code);
            assert_eq!(refused, Err("endpoint.header.connection-names-reserved"), "{value}");
        }
    }
}
