//! Relative paths are relative to the folder of the file. Those of `[edge]` belong to another
//! machine and stay as they are.

use std::path::{Path, PathBuf};

use super::Configuration;

pub(super) fn resolve(configuration: &mut Configuration, folder: &Path) {
    let Configuration {
        public,
        management,
        state,
        keys,
        modules,
        authenticators,
        pages,
        log,
        mail,
        outbound,
        kerberos,
        policies,
        ..
    } = configuration;
    let mut paths: Vec<&mut PathBuf> = vec![
        &mut public.certificate,
        &mut public.key,
        &mut management.certificate,
        &mut management.key,
        &mut management.token_file,
        &mut state.sqlite,
        &mut keys.master_key_file,
        &mut modules.directory,
        &mut modules.cache,
        &mut authenticators.directory,
        &mut policies.directory,
    ];
    paths.extend(public.client_ca.as_mut());
    paths.extend(pages.theme.as_mut());
    if let Some(mail) = mail {
        paths.extend(mail.ca.as_mut());
        paths.extend(mail.password_file.as_mut());
    }
    paths.extend(kerberos.as_mut().map(|kerberos| &mut kerberos.keytab));
    if let Some(outbound) = outbound {
        paths.extend(outbound.ca.as_mut());
    }
    for module in authenticators.modules.values_mut() {
        paths.extend(module.secrets.values_mut().map(|secret| &mut secret.file));
    }
    if log.audit.as_os_str() != "-" {
        paths.push(&mut log.audit);
    }
    for path in paths {
        // `join` keeps a path that is absolute already.
        *path = folder.join(&path);
    }
}
