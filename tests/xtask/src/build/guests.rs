//! Which packages become which WebAssembly file.

use std::fs;

use crate::failure::Failure;
use crate::workspace::Workspace;

/// A package that is built for WebAssembly.
pub(crate) struct Guest {
    pub(crate) package: String,
    /// Below `target/postern`. The file name is the module's name in the configuration.
    pub(super) file: String,
    /// Cargo's name of the target, where it is not that of the library or the file.
    example: Option<&'static str>,
}

impl Guest {
    fn new(package: &str, file: &str) -> Self {
        Self { package: package.to_owned(), file: file.to_owned(), example: None }
    }

    fn example(self, name: &'static str) -> Self {
        Self { example: Some(name), ..self }
    }

    /// Cargo's name of the library, or of a filter's module beside its library.
    pub(super) fn target(&self) -> String {
        if let Some(name) = self.example {
            return name.to_owned();
        }
        let module = self.file.strip_prefix("filters/").and_then(|file| file.strip_suffix(".wasm"));
        module.map_or_else(|| self.package.replace('-', "_"), str::to_owned)
    }
}

/// Protocols, authenticators, and the guests of the sandbox's tests.
pub(crate) fn components(workspace: &Workspace) -> Result<Vec<Guest>, Failure> {
    let mut guests = vec![
        Guest::new("postern-saml-component", "components/saml2.wasm"),
        Guest::new("postern-oidc-component", "components/oidc.wasm"),
        Guest::new("postern-password", "authenticators/password.wasm"),
        Guest::new("postern-totp", "authenticators/totp.wasm"),
        Guest::new("postern-passkey", "authenticators/passkey.wasm"),
        Guest::new("postern-saml-provider", "authenticators/saml-provider.wasm"),
        Guest::new("postern-recovery", "authenticators/recovery.wasm"),
        Guest::new("postern-email-code", "authenticators/email-code.wasm"),
        Guest::new("postern-certificate", "authenticators/certificate.wasm"),
        Guest::new("postern-openid-provider", "authenticators/openid-provider.wasm"),
        Guest::new("postern-kerberos-authenticator", "authenticators/kerberos.wasm"),
    ];
    guests.extend(test_guests(workspace)?);
    Ok(guests)
}

/// The filters, and two for tests: one that is made to trap, and one that verifies what it is told.
pub(crate) fn filters() -> Vec<Guest> {
    vec![
        Guest::new("postern-endpoint-filter", "filters/endpoint-filter.wasm"),
        Guest::new("postern-saml-decoder", "filters/saml-decoder.wasm"),
        Guest::new("postern-token-validator", "filters/token-validator.wasm"),
        Guest::new("postern-guard", "filters/guard.wasm"),
        Guest::new("postern-token-validator", "guests/trapping-filter.wasm").example("trapping-filter"),
        Guest::new("postern-token-validator", "guests/verifying-filter.wasm").example("verifying-filter"),
    ]
}

/// Cargo's selection of the workspace without xtask (which was compiled alone when it was started, and
/// alone it stays) and without the packages that are empty natively.
pub(crate) fn native_selection(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let mut selection = ["--workspace", "--exclude", "postern-xtask"].map(str::to_owned).to_vec();
    for guest in components(workspace)?.into_iter().chain(filters()) {
        selection.extend(["--exclude".to_owned(), guest.package]);
    }
    Ok(selection)
}

/// Each folder of `tests/guests` holds the package `postern-guest-<folder>`.
fn test_guests(workspace: &Workspace) -> Result<Vec<Guest>, Failure> {
    let folder = workspace.path("tests/guests");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::file("list", &folder, &error))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names
        .iter()
        .map(|name| Guest::new(&format!("postern-guest-{name}"), &format!("guests/{name}.wasm")))
        .collect())
}
