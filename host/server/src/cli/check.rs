//! `postern check`

use std::path::Path;

use super::output::{Failure, say};
use crate::compose;
use crate::config::{self, Configuration, Misfit};

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
    misfits.extend(compose::check_state(configuration));
    misfits
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
        assert_eq!(compose::check_state(&configuration), []);
        fs::write(folder.path().join("database"), "").unwrap();
        assert_eq!(compose::check_state(&configuration), []);
    }
}
