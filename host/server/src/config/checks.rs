//! What a well-formed file may still get wrong.

use std::net::SocketAddr;

use postern_settings::{Document, Problem};

use super::file::{ClientCertificate, Configuration, Edge, Modules};

pub(super) fn check(configuration: &Configuration, document: &Document<'_>) -> Vec<Problem> {
    let mut checks = Checks { document, problems: Vec::new() };
    checks.base_url(&configuration.base_url);
    checks.listeners(configuration);
    checks.names("modules.enabled", &configuration.modules.enabled);
    checks.names("authenticators.enabled", &configuration.authenticators.enabled);
    checks.settings(&configuration.modules);
    checks.sign_in(configuration);
    if configuration.pages.theme.is_none() {
        // A theme may bring languages of its own: it is asked when it is read.
        checks.language(&configuration.pages.language);
    }
    if let Some(edge) = &configuration.edge {
        checks.edge(edge, configuration);
    }
    checks.problems
}

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
        if configuration.sessions.idle > configuration.sessions.absolute {
            self.refuse("sessions.idle", "must not be longer than sessions.absolute");
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
        let Some(tokens) = &edge.tokens else { return };
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

/// Whether the two are, or may become, the same socket. Port 0 is another one each time.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}
