//! `postern check`

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use postern_keys::{KeyRingError, MasterKey, MasterKeyError, SECRET_NAME, check_sealed};
use postern_store::SqliteStore;

use super::output::{Failure, say};
use crate::compose;
use crate::config::{self, ClientCertificate, Configuration, MailTls, Misfit};
use crate::kerberos;
use crate::mail;
use crate::outbound;
use crate::system::SystemClock;

/// Everything that `serve` would stumble over, without touching the state.
pub(super) async fn run(path: &Path) -> Result<(), Failure> {
    let configuration = config::load(path).map_err(Failure::usage)?;
    let mut problems = Vec::new();
    let misfits = misfits(&configuration);
    if !misfits.is_empty() {
        problems.push(config::place(path, &misfits).to_string());
    }
    problems.extend(compose::pages(&configuration).err().map(|failure| failure.message));
    match compose::sandbox(&configuration) {
        Ok(sandbox) => match compose::load_modules(&sandbox, &configuration).await {
            Ok(modules) => {
                problems
                    .extend(compose::table(&configuration, &modules).err().map(|failure| failure.message));
            }
            Err(failure) => problems.push(failure.message),
        },
        Err(failure) => problems.push(failure.message),
    }
    if problems.is_empty() {
        for warning in warnings(&configuration) {
            say(format!("warning: {warning}"));
        }
        say(format!("{} is good", path.display()));
        return Ok(());
    }
    Err(Failure::usage(problems.join("\npostern: ")))
}

/// Files on this machine that do not fit the fields that name them.
fn misfits(configuration: &Configuration) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    misfits.extend(compose::public_tls(configuration).err());
    misfits.extend(compose::management_tls(configuration).err());
    misfits.extend(mail::mailer(configuration).err());
    misfits.extend(kerberos::tickets(configuration).err());
    misfits.extend(outbound::outbound(configuration, Arc::new(SystemClock)).err());
    misfits.extend(state(configuration));
    misfits
}

/// The master key and the database of an installation that has been started before: whether the
/// database is whole, of a schema that this release knows, and opens under the master key. Nothing
/// is made or changed.
fn state(configuration: &Configuration) -> Vec<Misfit> {
    const KEY: &str = "keys.master_key_file";
    let mut misfits = Vec::new();
    let master = master_key(&configuration.keys.master_key_file).unwrap_or_else(|message| {
        misfits.push(Misfit::new(KEY, message));
        None
    });
    let store = match SqliteStore::check(&configuration.state.sqlite) {
        Ok(Some(store)) => store,
        Ok(None) => return misfits,
        Err(error) => {
            misfits.push(Misfit::new("state.sqlite", error));
            return misfits;
        }
    };
    let sealed = store.keys().and_then(|keys| Ok((keys, store.installation_value(SECRET_NAME)?)));
    match (sealed, master) {
        (Err(error), _) => misfits.push(Misfit::new("state.sqlite", error)),
        (Ok((_, Some(_))), None) if misfits.is_empty() => {
            misfits.push(Misfit::new(KEY, "is missing, and the keys in the database are sealed under it"));
        }
        (Ok((keys, secret)), Some(master)) => match check_sealed(&master, keys, secret.as_deref()) {
            Ok(()) => {}
            Err(error @ KeyRingError::Mismatch(_)) => misfits.push(Misfit::new(KEY, error)),
            Err(error) => misfits.push(Misfit::new("state.sqlite", error)),
        },
        (Ok(_), None) => {}
    }
    misfits
}

/// The master key, when it is there.
fn master_key(file: &Path) -> Result<Option<MasterKey>, String> {
    if let Some(read) = compose::master_key_from_environment() {
        return read.map(Some).map_err(|failure| failure.message);
    }
    match MasterKey::from_file(file) {
        Err(MasterKeyError::File { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| error.to_string()),
    }
}

/// What works and is seldom meant.
fn warnings(configuration: &Configuration) -> Vec<String> {
    let mut warnings = Vec::new();
    if configuration.public.client_certificate == ClientCertificate::Off {
        warnings.push(
            "public.client_certificate is \"off\": anybody who reaches the public listener is served, and \
             behind a proxy all people have the proxy's address: their failed sign-ins are throttled together"
                .into(),
        );
    }
    if configuration.mail.as_ref().is_some_and(|mail| mail.tls == MailTls::Off) {
        warnings
            .push("mail.tls is \"off\": whoever reads the network reads the codes in the messages".into());
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const FILE: &str = "base_url = \"https://sso.example.com\"\n[public]\nlisten = \"127.0.0.1:1\"\n\
        certificate = \"public.pem\"\nkey = \"public.key\"\nclient_ca = \"ca.pem\"\n[management]\n\
        listen = \"127.0.0.1:2\"\ncertificate = \"empty.pem\"\nkey = \"public.key\"\n[state]\n\
        sqlite = \"database\"\n[keys]\nmaster_key_file = \"master.key\"\n";

    #[tokio::test]
    async fn files_that_do_not_fit_are_named_with_line_and_field_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postern.toml");
        fs::write(&file, FILE).unwrap();
        fs::write(folder.path().join("empty.pem"), "").unwrap();
        fs::write(folder.path().join("database"), "a letter to somebody").unwrap();
        fs::write(folder.path().join("master.key"), "AAAA").unwrap();
        fs::set_permissions(folder.path().join("master.key"), Permissions::from_mode(0o644)).unwrap();
        let failure = run(&file).await.unwrap_err();
        assert_eq!(failure.code, 2);
        for expected in [
            "postern.toml:4:1: public.certificate: ",
            "postern.toml:9:1: management.certificate: ",
            "postern.toml:12:1: state.sqlite: ",
            "postern.toml:14:1: keys.master_key_file: keys.master.permissions",
        ] {
            assert!(failure.message.contains(expected), "{expected}\n{}", failure.message);
        }
        assert!(!folder.path().join("state").exists());
    }

    #[test]
    fn what_is_not_there_yet_is_no_problem_of_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postern.toml");
        fs::write(&file, FILE).unwrap();
        let configuration = config::load(&file).unwrap();
        assert_eq!(state(&configuration), []);
        fs::write(folder.path().join("database"), "").unwrap();
        assert_eq!(state(&configuration), []);
    }

    #[tokio::test]
    async fn a_state_of_another_master_key_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postern.toml");
        fs::write(&file, FILE).unwrap();
        let configuration = config::load(&file).unwrap();
        drop(compose::Opened::open(&configuration).await.unwrap());
        assert_eq!(state(&configuration), []);

        let master = folder.path().join("master.key");
        fs::remove_file(&master).unwrap();
        let misfits = state(&configuration);
        assert!(misfits[0].field == "keys.master_key_file" && misfits[0].message.contains("is missing"));
        MasterKey::create_file(&master).unwrap();
        let misfits = state(&configuration);
        assert_eq!(misfits[0].field, "keys.master_key_file");
        assert!(misfits[0].message.starts_with("keys.master.mismatch"), "{}", misfits[0].message);
        assert_eq!(misfits.len(), 1);
    }

    #[test]
    fn a_listener_for_anybody_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postern.toml");
        fs::write(&file, FILE).unwrap();
        assert!(warnings(&config::load(&file).unwrap()).is_empty());
        let open = FILE.replace("client_ca = \"ca.pem\"", "client_certificate = \"off\"");
        fs::write(&file, open).unwrap();
        assert!(warnings(&config::load(&file).unwrap())[0].starts_with("public.client_certificate"));
    }
}
