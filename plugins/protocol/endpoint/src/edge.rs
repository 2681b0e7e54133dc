//! What the DMZ's filter does beside judging: rules that the router in the LAN has no use for.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::{ClientAddress, Clients};
use crate::declaration::{ConfigurationError, Endpoint};
use crate::header_name::{Name, is_folded};
use crate::network::Network;
use crate::rate::RateLimit;
use crate::report_only::ReportOnly;

/// Rules of the edge alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeRules {
    /// Who tells the LAN the client's address and the correlation id.
    pub told_by: ToldBy,
    /// Where the client's address comes from.
    pub client_address: ClientAddress,
    /// Which clients may ask.
    pub clients: Clients,
    /// How often one client may ask for one endpoint.
    pub rate_limits: Vec<RateLimit>,
    /// Reason codes that are logged and counted and refuse nothing.
    pub report_only: Vec<String>,
    /// Headers for responses that lack them: name in lower case, and value. The standard ones are
    /// in [`security_headers`].
    pub response_headers: BTreeMap<String, String>,
    /// Headers that the LAN believes.
    #[serde(skip_serializing_if = "BelievedHeaders::are_none")]
    pub believed_headers: BelievedHeaders,
}

/// Headers that the LAN believes although no filter writes them, such as a country that policies are told of.
/// What a client says under these names is taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BelievedHeaders {
    /// Names in lower case. `_` and `.` in what a client sends count as `-`.
    pub names: Vec<String>,
    /// Who stands in front and sets them: on a connection from one of these networks they stay.
    pub from: Vec<Network>,
}

impl BelievedHeaders {
    /// Whether there are none.
    pub fn are_none(&self) -> bool {
        self.names.is_empty() && self.from.is_empty()
    }

    /// Whether whoever connects from here sets them.
    pub fn are_set_by(&self, connection: IpAddr) -> bool {
        self.from.iter().any(|network| network.contains(connection))
    }

    /// Whether it is one of them.
    pub fn have(&self, name: &[u8]) -> bool {
        self.names.iter().any(|own| is_folded(name, own))
    }

    fn check(&self) -> Result<(), ConfigurationError> {
        for (index, name) in self.names.iter().enumerate() {
            let wrong = |problem: &str| {
                Err(ConfigurationError::new(&format!("edge.believed_headers.names[{index}]"), problem))
            };
            let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || !name.bytes().all(token) {
                return wrong("a header's name in lower case");
            }
            if Name::of(name.as_bytes()) != Name::Ordinary || name == "cookie" {
                return wrong("means something else already");
            }
        }
        Ok(())
    }
}

/// Who writes `x-postern-client-address` and `x-postern-correlation-id`. Whoever it is, the
/// filter removes what a client says under these names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToldBy {
    /// The filter: four calls into the proxy for each request, and no setting that it depends on.
    #[default]
    Filter,
    /// The proxy, behind the filter: Envoy's `set_filter_state` before it makes the id, and
    /// `header_mutation` after it writes both headers. Where these are missing the LAN is told
    /// nothing, and never what the client said.
    Proxy,
}

/// What a sign-on page wants of browsers, where the application does not say it itself: no framing,
/// no guessed types, no referrer with parameters, TLS for a year.
pub fn security_headers() -> BTreeMap<String, String> {
    [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl EdgeRules {
    /// Judges the rules against the endpoints that they name.
    ///
    /// # Errors
    /// Names the field.
    pub(crate) fn check(&self, endpoints: &[Endpoint]) -> Result<(), ConfigurationError> {
        let wrong = |field: String, problem: &str| Err(ConfigurationError::new(&field, problem));
        if self.told_by == ToldBy::Proxy && self.client_address != ClientAddress::Connection {
            let problem = "the proxy tells the address of the connection: let told_by be `filter`, or set \
                           the trusted hops in the proxy";
            return wrong("edge.client_address".into(), problem);
        }
        for (index, limit) in self.rate_limits.iter().enumerate() {
            limit.check(endpoints).map_err(|(field, problem)| {
                ConfigurationError::new(&format!("edge.rate_limits[{index}].{field}"), &problem)
            })?;
        }
        for (name, value) in &self.response_headers {
            let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || !name.bytes().all(token) {
                return wrong(format!("edge.response_headers.{name}"), "a header's name in lower case");
            }
            if value.is_empty() || !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
                return wrong(format!("edge.response_headers.{name}"), "printable ASCII, not empty");
            }
        }
        self.believed_headers.check()?;
        ReportOnly::new(&self.report_only).map(drop)
    }

    /// Whether the client's address has to be known for a verdict.
    pub fn judge_the_client(&self) -> bool {
        !self.clients.are_all() || !self.rate_limits.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointPolicy, EndpointTable};

    fn error(edge: &str) -> String {
        let policy = format!(
            r#"{{"hosts":["a.example"],"endpoints":[{{"path":"/samlsso","methods":["GET"]}}],"edge":{edge}}}"#
        );
        let built = EndpointPolicy::from_json(policy.as_bytes()).and_then(EndpointTable::new);
        built.map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn rules_that_can_not_hold_are_refused_by_name() {
        assert_eq!(error("{}"), "");
        assert_eq!(error(r#"{"report_only":["endpoint.path.unknown"]}"#), "");
        for (edge, start) in [
            (r#"{"report_only":["endpoint.path.never-public"]}"#, "edge.report_only[0]: "),
            (r#"{"report_only":["endpoint.header.too-many"]}"#, "edge.report_only[0]: "),
            (r#"{"report_only":["endpoint.path.dot-segment"]}"#, "edge.report_only[0]: "),
            (r#"{"told_by":"proxy","client_address":{"trusted_hops":1}}"#, "edge.client_address: "),
            (r#"{"clients":{"deny":["10.0.0.1/8"]}}"#, "edge.clients.deny[0]: "),
            (r#"{"rate_limits":[{"path":"/x","requests":1,"seconds":1}]}"#, "edge.rate_limits[0].path: "),
            (
                r#"{"rate_limits":[{"path":"/samlsso","requests":0,"seconds":1}]}"#,
                "edge.rate_limits[0].requests: ",
            ),
            (r#"{"response_headers":{"X-Frame":"DENY"}}"#, "edge.response_headers.X-Frame: "),
            (r#"{"response_headers":{"x-frame":"a\r\nb"}}"#, "edge.response_headers.x-frame: "),
            (r#"{"believed_headers":{"names":["X-Country"]}}"#, "edge.believed_headers.names[0]: "),
            (r#"{"believed_headers":{"names":["a","host"]}}"#, "edge.believed_headers.names[1]: "),
            (r#"{"believed_headers":{"names":["x-postern-a"]}}"#, "edge.believed_headers.names[0]: "),
            (r#"{"believed_headers":{"from":["10.0.0.1/8"]}}"#, "edge.believed_headers.from[0]: "),
            (r#"{"anything":1}"#, "edge.anything: "),
        ] {
            assert!(error(edge).starts_with(start), "{edge}: {}", error(edge));
        }
    }

    #[test]
    fn what_the_lan_believes_is_known_in_every_spelling_and_where_it_may_come_from() {
        let believed: BelievedHeaders =
            serde_json::from_str(r#"{"names":["x-country"],"from":["10.0.0.0/8"]}"#).unwrap();
        for name in ["x-country", "X-Country", "x_country", "X.COUNTRY"] {
            assert!(believed.have(name.as_bytes()), "{name}");
        }
        for name in ["x-countr", "x-country-", "country", ""] {
            assert!(!believed.have(name.as_bytes()), "{name}");
        }
        for (address, set) in
            [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("11.0.0.1", false), ("::1", false)]
        {
            assert_eq!(believed.are_set_by(address.parse().unwrap()), set, "{address}");
        }
        // One that is added in the LAN is taken off by an edge that runs; who sets them the edge alone says.
        let policy = |edge: &str| {
            let text = format!(r#"{{"hosts":["a.example"],"endpoints":[],"edge":{edge}}}"#);
            EndpointPolicy::from_json(text.as_bytes()).unwrap()
        };
        let own = policy(r#"{"believed_headers":{"names":["x-country"],"from":["10.0.0.0/8"]}}"#);
        let document = policy(r#"{"believed_headers":{"names":["x-city"],"from":["0.0.0.0/0"]}}"#);
        let updated = own.updated(document).edge.believed_headers;
        assert_eq!(updated.names, ["x-city", "x-country"]);
        assert_eq!(updated.from, believed.from);
        assert_eq!(own.updated(policy("{}")).edge.believed_headers.names, ["x-country"]);
        // A filter of before is not told of what there is none of.
        assert!(!serde_json::to_string(&EdgeRules::default()).unwrap().contains("believed"));
    }

    #[test]
    fn the_standard_headers_can_be_configured() {
        let headers = serde_json::to_string(&security_headers()).unwrap();
        assert_eq!(error(&format!(r#"{{"response_headers":{headers}}}"#)), "");
    }
}
