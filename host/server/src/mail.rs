//! Mail by SMTP (RFC 5321), with a crate that knows it: one connection for each message, over TLS that is
//! verified, within the operator's time, and eight at a time at most.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use postern_kernel::mail::{Mail, MailAddress, Mailer};
use postern_kernel::randomness::Randomness;
use postern_kernel::unavailable::Unavailable;
use tokio::sync::Semaphore;

use crate::config::{Configuration, MailTls, Misfit};
use crate::secret_file;
use crate::system::SystemRandomness;

/// Messages under way at a time. More are refused: whoever waits would wait for the mail server.
const AT_A_TIME: usize = 8;

/// The operator's mail server.
struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    timeout: Duration,
    under_way: Semaphore,
    randomness: SystemRandomness,
}

/// What `[mail]` asks for. `None`: there is no such section.
///
/// # Errors
/// The field whose file is wrong.
pub(crate) fn mailer(configuration: &Configuration) -> Result<Option<Arc<dyn Mailer>>, Misfit> {
    let Some(mail) = &configuration.mail else { return Ok(None) };
    let misfit = |field: &str, error: &dyn std::fmt::Display| Misfit::new(&format!("mail.{field}"), error);
    let from = address(&mail.from).ok_or_else(|| misfit("from", &"is no address"))?;
    let tls = || -> Result<TlsParameters, Misfit> {
        let mut parameters = TlsParameters::builder(mail.server.clone());
        if let Some(file) = &mail.ca {
            let named = |error: &dyn std::fmt::Display| misfit("ca", &format!("{}: {error}", file.display()));
            let pem = std::fs::read(file).map_err(|error| named(&error))?;
            let certificate = Certificate::from_pem(&pem).map_err(|error| named(&error))?;
            parameters =
                parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
        }
        parameters.build_rustls().map_err(|error| misfit("ca", &error))
    };
    let tls = match mail.tls {
        MailTls::Required => Tls::Wrapper(tls()?),
        MailTls::Starttls => Tls::Required(tls()?),
        MailTls::Off => Tls::None,
    };
    let timeout = Duration::from_secs(mail.timeout.0);
    let host = configuration.base_url.strip_prefix("https://").unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.server)
        .port(mail.port())
        .tls(tls)
        .timeout(Some(timeout))
        .hello_name(ClientId::Domain(host.into()));
    if let (Some(username), Some(file)) = (&mail.username, &mail.password_file) {
        let password = secret_file::read(file).map_err(|error| misfit("password_file", &error))?;
        builder = builder
            .credentials(Credentials::new(username.clone(), password.as_str().to_owned()))
            .authentication(vec![Mechanism::Plain, Mechanism::Login]);
    }
    let (transport, under_way) = (builder.build(), Semaphore::new(AT_A_TIME));
    Ok(Some(Arc::new(Smtp { transport, from, timeout, under_way, randomness: SystemRandomness::new() })))
}

/// By the kernel's rule, and then by the crate's.
fn address(text: &str) -> Option<Address> {
    MailAddress::read(text)?.as_text().parse().ok()
}

impl Smtp {
    fn message(&self, mail: Mail) -> Result<Message, Unavailable> {
        let to = address(&mail.to.as_text()).ok_or_else(|| away("the address is none to the crate"))?;
        let mut random = [0; 16];
        self.randomness.fill(&mut random);
        let id = format!("<{}@{}>", URL_SAFE_NO_PAD.encode(random), self.from.domain());
        // RFC 3834: nobody's out-of-office notice answers.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(Mailbox::new(None, self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(mail.subject_line)
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body)
            .map_err(|_| away("the message can't be written"))
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: Mail) -> Result<(), Unavailable> {
        let _place = self.under_way.try_acquire().map_err(|_| away("too many messages are under way"))?;
        let message = self.message(mail)?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(message)).await;
        sent.map_err(|_| away("not taken in time"))?.map_err(|error| away(&told(&error))).map(drop)
    }
}

fn away(detail: &str) -> Unavailable {
    Unavailable::new("mail", detail)
}

/// Whether the certificate was not accepted, or TLS went wrong in another way.
fn is_tls(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        source = cause.source();
    }
    error.is_tls()
}

/// Why it was not taken. What the server said stays out of the log: it may repeat what it was sent.
fn told(error: &Error) -> String {
    let what = if error.is_timeout() {
        "not taken in time"
    } else if is_tls(error) {
        "TLS failed: see mail.tls, mail.server and mail.ca"
    } else if error.is_permanent() || error.is_transient() {
        "the server refused it"
    } else if error.is_client() {
        "the server does not offer what is needed: STARTTLS, or a way to authenticate"
    } else {
        "the server can't be reached"
    };
    error.status().map_or_else(|| what.to_owned(), |status| format!("{what} ({status})"))
}
