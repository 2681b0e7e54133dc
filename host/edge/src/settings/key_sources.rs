//! Where token issuers publish their keys: at the nodes behind, or elsewhere.

use std::path::{Path, PathBuf};

use postern_jose::validator::JwksSource;

use crate::CALLOUT_CLUSTER;
use crate::policy::{KeyCluster, Node};

/// Debian's bundle, where Envoy and nginx of the distribution look too.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The hosts that are elsewhere, each once.
#[derive(Default)]
pub(super) struct KeySources {
    pub(super) clusters: Vec<KeyCluster>,
}

impl KeySources {
    /// The source for a path at the nodes behind, or for a URL.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn source(
        &mut self,
        keys: &str,
        authority: Option<&Path>,
        host: &str,
    ) -> Result<JwksSource, String> {
        if keys.starts_with('/') {
            return match authority {
                None => Ok(JwksSource::new(CALLOUT_CLUSTER, host, keys)),
                Some(_) => Err("keys_ca has no effect: the keys are at the nodes behind".to_owned()),
            };
        }
        let (place, path) = split(keys).ok_or("must be a path, or an https URL without query and user")?;
        let authority = authority.map_or_else(|| PathBuf::from(SYSTEM_AUTHORITIES), Path::to_path_buf);
        let node = Node::parse(place).or_else(|| Node::parse(&format!("{place}:443")));
        let node = node.ok_or("must name a host")?;
        let known = self.clusters.iter().find(|known| known.node == node && known.authority == authority);
        let name = match known {
            Some(known) => known.name.clone(),
            None => {
                let name = format!("postern_keys_{}", self.clusters.len());
                self.clusters.push(KeyCluster { name: name.clone(), node, authority });
                name
            }
        };
        Ok(JwksSource::new(&name, place, path))
    }
}

/// Host with port, and path.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let at = rest.find('/')?;
    let (place, path) = rest.split_at(at);
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>".contains(&byte);
    (!place.contains('@') && path.len() > 1 && path.bytes().all(plain)).then_some((place, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_one_cluster() {
        let mut sources = KeySources::default();
        let mut source = |keys: &str, authority: Option<&str>| {
            sources
                .source(keys, authority.map(Path::new), "sso.example.com")
                .map(|source| serde_json::to_value(source).unwrap())
        };
        let own = source("/oauth2/jwks", None).unwrap();
        assert_eq!(
            (&own["cluster"], &own["authority"]),
            (&CALLOUT_CLUSTER.into(), &"sso.example.com".into())
        );
        let first = source("https://a.example/jwks", None).unwrap();
        assert_eq!((&first["cluster"], &first["path"]), (&"postern_keys_0".into(), &"/jwks".into()));
        assert_eq!(source("https://a.example/other", None).unwrap()["cluster"], "postern_keys_0");
        assert_eq!(source("https://a.example:8443/jwks", None).unwrap()["cluster"], "postern_keys_1");
        assert_eq!(source("https://a.example/jwks", Some("/ca.pem")).unwrap()["cluster"], "postern_keys_2");
        for (wrong, authority) in [
            ("http://a.example/jwks", None),
            ("https://a.example", None),
            ("https://a.example/", None),
            ("https://x@a.example/jwks", None),
            ("https://a.example/jwks?x=y", None),
            ("https://a b/jwks", None),
            ("jwks", None),
            ("/jwks", Some("/ca.pem")),
        ] {
            assert!(source(wrong, authority).is_err(), "{wrong}");
        }
        let ports: Vec<u16> = sources.clusters.iter().map(|cluster| cluster.node.port).collect();
        assert_eq!(ports, [443, 8443, 443]);
    }
}
