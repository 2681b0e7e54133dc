//! How the token validator asks an issuer about tokens.

use postern_jose::validator::{ClientAuthentication, ClientSecret, Introspection, Member};
use zeroize::Zeroizing;

use super::file::EdgeFile;
use super::token_sections::{IntrospectionAuthentication, IntrospectionMember, IntrospectionSection};
use super::{Open, Problems};
use crate::CALLOUT_CLUSTER;

/// What the section says, with the secret of its file. The filter's own rule judges the rest.
pub(super) fn settings(
    section: &IntrospectionSection,
    host: &str,
    at: &str,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Introspection {
    let mut settings = Introspection::new(CALLOUT_CLUSTER, host, &section.path, &section.client_id);
    settings.authentication = match section.authentication {
        IntrospectionAuthentication::Basic => ClientAuthentication::Basic,
        IntrospectionAuthentication::Post => ClientAuthentication::Post,
        IntrospectionAuthentication::Tls => ClientAuthentication::Tls,
    };
    settings.may_lack = section.may_lack.iter().copied().map(member).collect();
    settings.client_secret_env.clone_from(&section.client_secret_env);
    if let Some(path) = &section.client_secret_file {
        let read = open(path).map(Zeroizing::new).and_then(|bytes| {
            let text = std::str::from_utf8(&bytes).map_err(|_| "is no text".to_owned())?;
            // Editors end a file with a line break.
            Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        });
        match read {
            Ok(secret) => settings.client_secret = Some(ClientSecret::new(secret)),
            Err(error) => {
                problems.add(&format!("{at}.client_secret_file"), format!("{}: {error}", path.display()));
            }
        }
    }
    if let Some(time) = section.max_cache {
        settings.max_cache_seconds = time.0;
    }
    if let Some(calls) = section.calls_per_second {
        settings.calls_per_second = calls;
    }
    if let Some(calls) = section.client_calls_per_minute {
        settings.client_calls_per_minute = calls;
    }
    settings
}

/// A secret that is written into what is generated is said.
pub(super) fn notes(file: &EdgeFile) -> Option<String> {
    let tokens = file.tokens.as_ref()?;
    let of_issuers = tokens.issuers.iter().filter_map(|issuer| issuer.introspection.as_ref());
    let mut sections = of_issuers.chain(&tokens.introspection);
    sections.any(|section| section.client_secret_file.is_some()).then(|| {
        "tokens: what is generated holds the client secret in clear, and Envoy's /config_dump shows it: keep \
         it readable for the proxy alone, or name client_secret_env instead of client_secret_file."
            .to_owned()
    })
}

fn member(member: IntrospectionMember) -> Member {
    match member {
        IntrospectionMember::Iss => Member::Iss,
        IntrospectionMember::Aud => Member::Aud,
        IntrospectionMember::Exp => Member::Exp,
        IntrospectionMember::Iat => Member::Iat,
        IntrospectionMember::Sub => Member::Sub,
        IntrospectionMember::TokenType => Member::TokenType,
    }
}
