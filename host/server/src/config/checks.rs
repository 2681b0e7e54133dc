//! What a well-formed file may still get wrong.

use std::net::SocketAddr;

use postern_directory::check_claims;
use postern_edge::settings::IntrospectionAuthentication;
use postern_jose::validator::ReportOnly;
use postern_kernel::authenticator::is_redirect_host;
use postern_kernel::directory::Claim;
use postern_kernel::mail::MailAddress;
use postern_kernel::remembered::LONGEST;
use postern_settings::{Document, Problem};

use super::file::{Authenticators, ClientCertificate, Configuration, Edge, Modules};
use super::{Accounts, LONGEST_SENDING, MEMORY_MIB, Mail, MailTls, policies};

pub(super) fn check(configuration: &Configuration, document: &Document<'_>) -> Vec<Problem> {
    let mut checks = Checks { document, problems: Vec::new() };
    checks.base_url(&configuration.base_url);
    checks.listeners(configuration);
    checks.names("modules.enabled", &configuration.modules.enabled);
    checks.names("authenticators.enabled", &configuration.authenticators.enabled);
    checks.settings(&configuration.modules);
    checks.authenticators(&configuration.authenticators);
    checks.sign_in(configuration);
    for (field, problem) in policies::problems(configuration) {
        checks.refuse(&field, problem);
    }
    if configuration.pages.theme.is_none() {
        // A theme may bring languages of its own: it is asked when it is read.
        checks.language(&configuration.pages.language);
    }
    if let Some(mail) = &configuration.mail {
        checks.mail(mail);
    }
    if let Some(edge) = &configuration.edge {
        checks.edge(edge, configuration);
    }
    checks.problems
}

/// Failures in a row that lock a factor at the latest.
const MOST_IN_A_ROW: u32 = 100;

struct Checks<'d> {
    document: &'d Document<'d>,
    problems: Vec<Problem>,
}

impl Checks<'_> {
    fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(self.document.problem_of(field, message));
    }

    /// An https origin in canonical form: it is compared letter by letter everywhere.
    fn base_url(&mut self, url: &str) {
        let host = url.strip_prefix("https://").unwrap_or("");
        let canonical = !host.is_empty()
            && host.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':')
            })
            && !host.starts_with([':', '.', '-'])
            && host.split_once(':').is_none_or(|(_, port)| {
                port.parse::<u16>()
                    .is_ok_and(|number| number != 0 && number != 443 && number.to_string() == port)
            });
        if !canonical {
            self.refuse(
                "base_url",
                "must be the public origin as browsers see it: https, host in lower case, a port only \
                 if it is not 443, no path and no slash at the end; such as \"https://sso.example.com\"",
            );
        }
    }

    fn listeners(&mut self, configuration: &Configuration) {
        let Configuration { public, management, .. } = configuration;
        if overlap(public.listen, management.listen) {
            self.refuse(
                "management.listen",
                format!(
                    "must be another socket than public.listen ({}): management is never reachable \
                     through the public listener",
                    public.listen
                ),
            );
        }
        if public.client_certificate == ClientCertificate::Required && public.client_ca.is_none() {
            self.refuse(
                "public.client_ca",
                "is missing: the public listener lets only the DMZ proxy in, by a certificate of this CA; \
                 `client_certificate = \"off\"` switches that off",
            );
        }
        if public.client_certificate == ClientCertificate::Off && public.client_ca.is_some() {
            self.refuse("public.client_ca", "has no effect with `client_certificate = \"off\"`: remove one");
        }
        if public.max_connections == 0 {
            self.refuse("public.max_connections", "must be at least 1");
        }
    }

    /// Names become file names: nothing that could leave the folder.
    fn names(&mut self, field: &str, names: &[String]) {
        if names.is_empty() {
            self.refuse(field, "must name at least one");
        }
        for (index, name) in names.iter().enumerate() {
            let good =
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !good || name.is_empty() || name.len() > 64 {
                self.refuse(field, format!("{name:?} is no name: lower-case letters, digits and hyphens"));
            }
            if names.iter().take(index).any(|earlier| earlier == name) {
                self.refuse(field, format!("{name:?} stands there twice"));
            }
        }
    }

    fn settings(&mut self, modules: &Modules) {
        for name in modules.settings.keys().filter(|name| !modules.enabled.contains(name)) {
            self.refuse(
                &format!("modules.settings.{name}"),
                "belongs to no module that is enabled: a typing mistake, or to be removed",
            );
        }
    }

    fn authenticators(&mut self, authenticators: &Authenticators) {
        let Authenticators { enabled, settings, modules, .. } = authenticators;
        for name in settings.keys().filter(|name| !enabled.contains(name)) {
            self.refuse(
                &format!("authenticators.settings.{name}"),
                "belongs to no authenticator that is enabled: a typing mistake, or to be removed",
            );
        }
        for (name, module) in modules {
            let field = format!("authenticators.modules.{name}");
            if !enabled.contains(name) {
                self.refuse(
                    &field,
                    "belongs to no authenticator that is enabled: a typing mistake, or to be removed",
                );
            }
            if module.settings.is_some() && settings.contains_key(name) {
                let other = format!("authenticators.settings.{name}");
                self.refuse(&format!("{field}.settings"), format!("stands in {other} as well: remove one"));
            }
            let is_digest = |text: &String| {
                text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            };
            if module.sha256.as_ref().is_some_and(|text| !is_digest(text)) {
                self.refuse(&format!("{field}.sha256"), "must be 64 hexadecimal digits in lower case");
            }
            for host in module.redirects.iter().flatten().filter(|host| !is_redirect_host(host)) {
                let expected = "such as \"login.example.org\", with a port when it is not 443";
                self.refuse(&format!("{field}.redirects"), format!("{host:?} is no host {expected}"));
            }
            if let Some(accounts) = &module.accounts {
                self.accounts(&format!("{field}.accounts"), accounts);
            }
            if let Some(component) = &module.component {
                self.names(&format!("{field}.component"), std::slice::from_ref(component));
            }
            let is_title =
                |title: &String| (1..=64).contains(&title.len()) && !title.chars().any(char::is_control);
            if module.title.as_ref().is_some_and(|title| !is_title(title)) {
                self.refuse(&format!("{field}.title"), "must be 1 to 64 bytes in one line");
            }
            if module.memory_mib.is_some_and(|size| !MEMORY_MIB.contains(&size)) {
                self.refuse(&format!("{field}.memory_mib"), "must be 1 to 64");
            }
        }
    }

    fn accounts(&mut self, field: &str, accounts: &Accounts) {
        if accounts.username.is_empty() {
            self.refuse(&format!("{field}.username"), "must name a claim");
        }
        for name in &accounts.copy {
            let claim = Claim { name: name.clone(), values: vec!["value".into()] };
            if check_claims(&[claim]).is_err() {
                self.refuse(&format!("{field}.copy"), format!("{name:?} is not a claim that can be set"));
            }
        }
        if accounts.update && accounts.copy.is_empty() {
            self.refuse(&format!("{field}.update"), "has no effect without `copy`");
        }
    }

    fn sign_in(&mut self, configuration: &Configuration) {
        let sign_in = &configuration.sign_in;
        let argon2 = &sign_in.argon2;
        if argon2.memory_kib < 7_168 {
            self.refuse("sign_in.argon2.memory_kib", "must be at least 7168: OWASP's lowest");
        }
        for (field, value) in [("iterations", argon2.iterations), ("parallelism", argon2.parallelism)] {
            if value == 0 {
                self.refuse(&format!("sign_in.argon2.{field}"), "must be at least 1");
            }
        }
        if argon2.queue == 0 {
            self.refuse("sign_in.argon2.queue", "must be at least 1");
        }
        if sign_in.failures_per_name == 0 || sign_in.failures_per_address == 0 {
            self.refuse("sign_in", "failures_per_name and failures_per_address must be at least 1");
        }
        if !(1..=MOST_IN_A_ROW).contains(&sign_in.failures_in_a_row) {
            let expected = format!("must be 1 to {MOST_IN_A_ROW} (NIST SP 800-63B section 5.2.2)");
            self.refuse("sign_in.failures_in_a_row", expected);
        }
        if sign_in.remember.is_some_and(|remember| !(86_400..=LONGEST).contains(&remember.0)) {
            self.refuse("sign_in.remember", "must be 1d to 90d");
        }
        let enabled = &configuration.authenticators.enabled;
        self.steps("sign_in.steps", &sign_in.steps, enabled);
        for (application, steps) in &sign_in.steps_for {
            self.steps(&format!("sign_in.steps_for.{application}"), steps, enabled);
        }
        for (domain, name) in &sign_in.realms {
            let field = format!("sign_in.realms.{domain}");
            if !is_domain(domain) {
                self.refuse(
                    &field,
                    "is no domain in lower case and ASCII, such as \"example.org\", or \".example.org\" for those \
                     below it",
                );
            }
            if !enabled.contains(name) {
                self.refuse(&field, format!("{name:?} is not in authenticators.enabled"));
            }
        }
        if configuration.sessions.idle > configuration.sessions.absolute {
            self.refuse("sessions.idle", "must not be longer than sessions.absolute");
        }
    }

    fn steps(&mut self, list: &str, steps: &[Vec<String>], enabled: &[String]) {
        for (index, step) in steps.iter().enumerate() {
            let field = format!("{list}.{index}");
            if step.is_empty() {
                self.refuse(&field, "must name at least one authenticator");
            }
            for (place, name) in step.iter().enumerate() {
                if !enabled.contains(name) {
                    self.refuse(&field, format!("{name:?} is not in authenticators.enabled"));
                }
                if step.iter().take(place).any(|earlier| earlier == name) {
                    self.refuse(&field, format!("{name:?} stands there twice"));
                }
            }
        }
    }

    fn mail(&mut self, mail: &Mail) {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if mail.server.is_empty() || mail.server.len() > 253 || !mail.server.bytes().all(is_name) {
            self.refuse("mail.server", "must be a host name, without a port");
        }
        if mail.port == Some(0) {
            self.refuse("mail.port", "must be 1 to 65535");
        }
        if MailAddress::read(&mail.from).is_none() {
            self.refuse("mail.from", "must be an address alone, such as \"sso@example.com\"");
        }
        if mail.username.is_some() != mail.password_file.is_some() {
            self.refuse("mail", "username and password_file belong together");
        }
        if mail.tls == MailTls::Off && mail.username.is_some() {
            self.refuse("mail.tls", "must not be \"off\" with a password, which anybody could read then");
        }
        if mail.tls == MailTls::Off && mail.ca.is_some() {
            self.refuse("mail.ca", "has no effect with `tls = \"off\"`: remove one");
        }
        if !(1..=LONGEST_SENDING).contains(&mail.timeout.0) {
            self.refuse("mail.timeout", format!("must be 1s to {LONGEST_SENDING}s"));
        }
    }

    fn language(&mut self, language: &str) {
        if !crate::pages::LANGUAGES.contains(&language) {
            let known = crate::pages::LANGUAGES.join(", ");
            self.refuse("pages.language", format!("there is no {language:?}: {known}"));
        }
    }

    fn edge(&mut self, edge: &Edge, configuration: &Configuration) {
        if let Ok(upstream) = edge.upstream.parse::<SocketAddr>()
            && overlap(upstream, configuration.management.listen)
        {
            self.refuse("edge.upstream", "is the management listener, which is never exposed");
        }
        self.host_and_port("edge.upstream", &edge.upstream);
        if edge.client_crl.is_some() && edge.client_ca.is_none() {
            self.refuse("edge.client_crl", "has no effect without edge.client_ca");
        }
        if edge.client_ca.is_some() && configuration.public.client_certificate == ClientCertificate::Off {
            self.refuse(
                "edge.client_ca",
                "has no effect with `public.client_certificate = \"off\"`: anybody could say which certificate \
                 was shown",
            );
        }
        for code in edge.report_only.iter().filter(|code| !may_be_report_only(code)) {
            self.refuse("edge.report_only", format!("{code:?} can't be switched to report-only"));
        }
        for text in &edge.policy_headers_from {
            if let Err(error) = text.parse::<postern_endpoint::Network>() {
                self.refuse("edge.policy_headers_from", error);
            }
        }
        if configuration.sign_in.policy_headers.is_empty() && !edge.policy_headers_from.is_empty() {
            self.refuse("edge.policy_headers_from", "has no effect without sign_in.policy_headers");
        }
        let Some(tokens) = &edge.tokens else { return };
        let asked = tokens.introspection.as_ref();
        if asked.is_some_and(|asked| asked.authentication == IntrospectionAuthentication::Tls) {
            self.refuse("edge.tokens.introspection.authentication", "must be basic or post");
        }
        if tokens.audience.as_deref() == Some("") {
            self.refuse("edge.tokens.audience", "must not be empty: a token for anybody is refused");
        }
        if tokens.algorithms.is_empty() {
            self.refuse("edge.tokens.algorithms", "must name at least one");
        }
        for (index, route) in tokens.routes.iter().enumerate() {
            match (&route.exact, &route.prefix) {
                (Some(path), None) | (None, Some(path)) if path.starts_with('/') => {}
                _ => self.refuse(
                    &format!("edge.tokens.routes.{index}"),
                    "must have either `exact` or `prefix`, a path that begins with a slash",
                ),
            }
        }
    }

    fn host_and_port(&mut self, field: &str, text: &str) {
        let good = text
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0));
        if !good {
            self.refuse(field, "must be host:port");
        }
    }
}

/// A domain as it is compared, after the dot that may stand first.
fn is_domain(text: &str) -> bool {
    let domain = text.strip_prefix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    domain.len() <= 253 && domain.split('.').all(is_label)
}

/// Whether a filter has the rule, and lets it be watched before it refuses.
fn may_be_report_only(code: &str) -> bool {
    postern_endpoint::SWITCHABLE.contains(&code)
        || postern_saml::SWITCHABLE.contains(&code)
        || ReportOnly::new(vec![code.to_owned()]).is_ok()
}

/// Whether the two are, or may become, the same socket. Port 0 is another one each time.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}
