//! What `postern.toml` says of the filters is in what `postern edge export` gives to the proxy.
use postern_end_to_end::certificates::Authority;
use postern_end_to_end::postern::Postern;
use serde_json::{Value, json};

#[test]
fn rules_that_only_report_and_introspection_are_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = Authority::new(folder.path(), "web");
    let base_url = "https://localhost:8443";
    let postern = Postern::configure(&folder.path().join("lan"), base_url, "");
    let access_log = folder.path().join("access.log");
    postern.append(&postern.edge_section(8443, &web.issue("edge", &["localhost"]), &access_log));
    postern.append(
        "report_only = [\"endpoint.parameter.unknown\", \"saml.issuer.unknown\", \"token.expired\"]\n\
         [edge.tokens]\nroutes = [{ exact = \"/oauth2/userinfo\" }]\n\
         [edge.tokens.introspection]\nclient_id = \"edge\"\nclient_secret_env = \"EDGE_SECRET\"\ntokens = \"all\"\n\
         max_cache = \"30s\"\n",
    );
    postern.run(&["check"]);
    let exported: Value = serde_json::from_str(&postern.run(&["edge", "export"])).expect("JSON");
    assert_eq!(exported["saml_decoder"]["report_only"], json!(["saml.issuer.unknown"]));
    let validator = &exported["token_validator"];
    assert_eq!(validator["report_only"], json!(["token.expired"]));
    let asked = &validator["issuers"][0]["introspection"];
    assert_eq!(
        (&asked["path"], &asked["client_id"], &asked["client_secret_env"], &asked["max_cache_seconds"]),
        (&json!("/oauth2/introspect"), &json!("edge"), &json!("EDGE_SECRET"), &json!(30))
    );
    assert_eq!(validator["issuers"][0].get("jwks"), None, "every token is asked about");
    // What the proxy of this host is written from has the endpoint filter's too.
    let written = postern.run(&["edge", "config", "--for", "envoy"]);
    assert!(written.contains("endpoint.parameter.unknown"), "{written}");
}
