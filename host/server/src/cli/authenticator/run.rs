//! A component in a real sandbox before a real kernel, store and user store, all of it gone afterwards.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postern_directory::NewUser;
use postern_kernel::authenticator::{
    AuthenticatorModule as _, Carrier, Context, Demanded, Event, Identity, Origin, Person, Purpose,
    RedirectError, Step, Who,
};
use postern_kernel::directory::Claim;
use postern_kernel::flow::RETURN;
use postern_kernel::keys::{KeyRing as _, SigningAlgorithm, decryption_name, signing_name};
use postern_kernel::services::{AuthenticatorCall, AuthenticatorServices, Installation};
use postern_sandbox::{CallRecord, ComponentAuthenticator, Limits};
use tempfile::TempDir;

use super::granted::Granted;
use super::mail::Shown;
use super::returned::STATE;
use super::{Failure, say};
use crate::compose::Opened;
use crate::config;

/// Who signs in.
const USERNAME: &str = "alice";
/// Their password.
const PASSWORD: &str = "correct horse battery staple";

/// Where they read mail, if it were sent.
const ADDRESS: &str = "alice@example.com";

/// What `postern serve` has, but for listeners: in a folder of its own.
const CONFIGURATION: &str = "base_url = \"https://sso.example.com\"\n[public]\nlisten = \"127.0.0.1:0\"\n\
    certificate = \"none\"\nkey = \"none\"\nclient_certificate = \"off\"\n[management]\n\
    listen = \"127.0.0.1:0\"\ncertificate = \"none\"\nkey = \"none\"\n";

/// What the component is told: what is asked of sign-ins, and alice's claims, all of which it may read.
pub(super) struct Told {
    pub(super) demanded: Demanded,
    pub(super) claims: Vec<Claim>,
}

/// A component, and an installation for it.
pub(super) struct Run {
    component: ComponentAuthenticator,
    records: Arc<Mutex<Vec<CallRecord>>>,
    limits: Limits,
    installation: Arc<Installation>,
    mail: Arc<Shown>,
    _opened: Opened,
    person: Person,
    settings: String,
    language: String,
    demanded: Demanded,
    readable: Vec<String>,
    _folder: TempDir,
}

impl Run {
    /// Makes the installation, with one person.
    pub(super) async fn new(
        mut component: ComponentAuthenticator,
        settings: String,
        language: &str,
        Told { demanded, mut claims }: Told,
        granted: Granted,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::new)?;
        let file = folder.path().join("postern.toml");
        std::fs::write(&file, CONFIGURATION).map_err(Failure::new)?;
        let mut configuration = config::load(&file).map_err(Failure::new)?;
        let opened = Opened::open(&configuration).await?;
        let name = component.description().name.clone();
        let (module, outbound) = granted.sections()?;
        configuration.authenticators.modules.insert(name.clone(), module);
        configuration.outbound = Some(outbound);
        let mut installation = opened.installation_for(&configuration)?;
        let mail = Arc::new(Shown::default());
        if let Some(installation) = Arc::get_mut(&mut installation) {
            installation.mailer = Some(mail.clone());
        }
        if component.has_own_keys() {
            for key in [signing_name(&name), decryption_name(&name)] {
                opened.keys.provide(&key, &[SigningAlgorithm::Rs256]).await?;
            }
        }
        let readable = claims.iter().map(|claim| claim.name.clone()).collect();
        if claims.iter().all(|claim| claim.name != "email") {
            // For mail, and not to be read.
            claims.push(Claim { name: "email".into(), values: vec![ADDRESS.into()] });
        }
        let new = NewUser { username: USERNAME.into(), claims };
        let user = opened.directory.add_user(new, PASSWORD).await.map_err(Failure::new)?;
        let records = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&records);
        component.observe(Arc::new(move |record| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        }));
        Ok(Self {
            component,
            records,
            limits: Limits::default(),
            installation,
            mail,
            _opened: opened,
            person: Person { subject: user.subject, username: user.username },
            settings,
            language: language.into(),
            demanded,
            readable,
            _folder: folder,
        })
    }

    /// Calls the component: `begin` without, `proceed` with what the person sent. What it may not answer is
    /// a problem, as it is when it fails.
    pub(super) async fn call(
        &self,
        purpose: Purpose,
        sent: Option<(Vec<u8>, Event)>,
    ) -> Result<Step, String> {
        let known = !self.component.description().identifies || purpose == Purpose::Enrol;
        let person = known.then(|| self.person.clone());
        let call = AuthenticatorCall {
            authenticator: self.component.description().name.clone(),
            purpose,
            subject: person.as_ref().map(|person| person.subject.clone()),
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let origin = Origin { address, device: None };
        let installation = Arc::clone(&self.installation);
        let services = AuthenticatorServices::new(installation, call, origin, "test");
        let translations = &self.component.description().translations;
        let demanded = if purpose == Purpose::SignIn { self.demanded.clone() } else { Demanded::default() };
        let back = matches!(&sent, Some((_, Event::Returned(_)))).then_some(Carrier::Query);
        let services = services
            .writing(&self.language, translations)
            .demanding(demanded)
            .back_by(back)
            .reading(&self.readable);
        let services = Arc::new(services);
        let context = Context {
            purpose,
            relying_party: "An application".into(),
            login_hint: None,
            person,
            language: self.language.clone(),
            settings: self.settings.clone(),
            base_url: self.installation.base_url.clone(),
            client_address: address,
            return_uri: format!(
                "{}{RETURN}{}",
                self.installation.base_url,
                self.component.description().name
            ),
            redirect_state: STATE.into(),
            client_certificate: None,
        };
        let name = if sent.is_none() { "begin" } else { "proceed" };
        let kept = Arc::clone(&services);
        let called = match sent {
            None => self.component.begin(services, context).await,
            Some((state, event)) => self.component.proceed(services, context, state, event).await,
        };
        self.say_cost(name);
        self.mail.say();
        let step = called.map_err(|failure| failure.to_string())?;
        match &step {
            Step::Authenticated(identity) => self.may_be(purpose, identity, &kept)?,
            Step::Redirect(_) if purpose == Purpose::Enrol => {
                return Err("authenticator.step.unexpected: a factor is being set up".into());
            }
            Step::Redirect(redirection) => {
                // Where it may lead is the operator's to say; here any host is.
                let base_url = &self.installation.base_url;
                if let Err(error @ RedirectError::Malformed) = redirection.check(base_url, Some(&[])) {
                    return Err(error.to_string());
                }
                if let Some(fields) = kept.posted_fields() {
                    say(format!("  posted   {fields:?}"));
                }
            }
            Step::NotEnrolled if purpose == Purpose::Enrol => {
                return Err("authenticator.step.unexpected: nobody signs in".into());
            }
            Step::Enrolled if purpose == Purpose::SignIn => {
                return Err("authenticator.step.unexpected: nobody enrols".into());
            }
            _ => {}
        }
        Ok(step)
    }

    /// As the kernel judges it.
    fn may_be(
        &self,
        purpose: Purpose,
        identity: &Identity,
        services: &AuthenticatorServices,
    ) -> Result<(), String> {
        let description = self.component.description();
        if purpose == Purpose::Enrol {
            return Err("authenticator.step.unexpected: nobody signs in".into());
        }
        if let Who::Account(subject) = &identity.who
            && !services.may_name(subject)
        {
            return Err("authenticator.subject.foreign: it named a subject that it may not name".into());
        }
        if !description.contexts.contains(&identity.context) {
            return Err(format!("authenticator.context.undeclared: {:?}", identity.context));
        }
        match identity.methods.iter().find(|method| !description.methods.contains(method)) {
            Some(method) => Err(format!("authenticator.method.undeclared: {method:?}")),
            None => Ok(()),
        }
    }

    /// What stands behind these words in the last mail.
    pub(super) fn mailed(&self, words: &str) -> Option<String> {
        self.mail.behind(words)
    }

    /// What the last call asked of the host, and used.
    fn say_cost(&self, name: &str) {
        let records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
        for record in records {
            say(format!(
                "  {name:8} ran {} of {} ms, {} KiB of memory, {} calls of the host",
                milliseconds(record.ran),
                self.limits.running.as_millis(),
                record.memory.div_ceil(1 << 10),
                record.asked.len(),
            ));
            for call in record.asked {
                let (given, got) = (call.given, call.got);
                let waited = milliseconds(call.waited);
                say(format!("           {:26} {given} bytes out, {got} bytes in, {waited} ms", call.name));
            }
        }
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
