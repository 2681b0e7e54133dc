use postern_endpoint::{EndpointPolicy, EndpointTable, Incoming};

use super::never_public;
use crate::policy::Behind;
use crate::settings::Built;
use crate::settings::tests_support::built;

fn table(built: &Built) -> EndpointTable {
    let policy = &built.policy;
    let json = serde_json::json!({
        "hosts": policy.hosts, "endpoints": policy.endpoints, "assets": policy.assets
    });
    EndpointTable::new(EndpointPolicy::from_json(json.to_string().as_bytes()).unwrap()).unwrap()
}

fn verdict(table: &EndpointTable, line: &str) -> String {
    let (method, target) = line.split_once(' ').unwrap();
    let has_body = method == "POST";
    let headers: &[(&[u8], &[u8])] = if has_body {
        &[(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"3")]
    } else {
        &[]
    };
    let incoming = Incoming {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: b"sso.example.com",
        headers: headers.iter().copied(),
        has_body,
    };
    table.judge(&incoming).map_or_else(|refusal| refusal.code.to_owned(), |_| "accepted".to_owned())
}

const WSO2IS: &str =
    "behind = \"wso2is\"\nprotocols = [\"saml2\", \"oidc\", \"wsfed\", \"openid2\", \"wstrust\"]\n";
const REALM: &str =
    "[[wsfed.realms]]\nrealm = \"urn:example:app\"\nreplies = [\"https://app.example.com/in\"]\n";
const KEYCLOAK: &str = "behind = \"keycloak\"\nprotocols = [\"oidc\"]\n";
const SHIBBOLETH: &str = "behind = \"shibboleth\"\nprotocols = [\"saml2\", \"oidc\"]\n";

#[test]
fn wso2is_serves_its_protocols_and_nothing_of_its_management() {
    let table = table(&built(WSO2IS, &format!("[saml]\nrelying_parties = [\"timesheets.xml\"]\n{REALM}")));
    for line in [
        "GET /samlsso?SAMLRequest=x&RelayState=y",
        "POST /samlsso",
        "GET /samlsso?sessionDataKey=0d3c&chkRemember=on",
        "GET /passivests?sessionDataKey=0d3c&chkRemember=on",
        "GET /authenticationendpoint/login.do?sessionDataKey=x&type=samlsso",
        "GET /authenticationendpoint/libs/themes/wso2is/theme.min.css",
        "POST /commonauth",
        "GET /oauth2/authorize?response_type=code&client_id=x",
        "POST /oauth2/token",
        "GET /oauth2/jwks",
        "GET /passivests?wa=wsignin1.0&wtrealm=x",
        "POST /openidserver",
    ] {
        assert_eq!(verdict(&table, line), "accepted", "{line}");
    }
    for line in [
        "GET /carbon/admin/login.jsp",
        "GET /console",
        "POST /services/RemoteUserStoreManagerService",
        "GET /api/server/v1/applications",
        "GET /scim2/Users",
        "GET /fileupload/x",
    ] {
        assert_eq!(verdict(&table, line), "endpoint.path.never-public", "{line}");
    }
    for (line, code) in [
        ("GET /samlsso/..;/carbon", "endpoint.path.matrix-parameter"),
        ("GET //carbon", "endpoint.path.doubled-slash"),
        ("GET /authenticationendpoint/libs/../login.jsp", "endpoint.path.dot-segment"),
        ("GET /authenticationendpoint/login.jsp", "endpoint.path.unknown"),
        ("GET /oauth2/token", "endpoint.method.not-allowed"),
        ("GET /samlsso?SAMLRequest=x&SAMLRequest=y", "form.duplicate"),
        ("GET /", "endpoint.path.unknown"),
        // Nobody judges it without [saml.artifact_resolution].
        ("POST /samlartresolve", "endpoint.path.unknown"),
    ] {
        assert_eq!(verdict(&table, line), code, "{line}");
    }
}

#[test]
fn what_is_not_switched_on_is_not_there() {
    let table = table(&built("behind = \"wso2is\"\nprotocols = [\"oidc\"]\n", ""));
    for line in ["GET /samlsso", "GET /passivests", "GET /openid", "POST /services/wso2carbon-sts"] {
        assert!(verdict(&table, line).starts_with("endpoint.path."), "{line}");
    }
}

#[test]
fn keycloak_serves_the_realms_that_are_named() {
    let section = "[keycloak]\nrealms = [\"example\"]\nidentity_providers = [\"google\"]\n";
    let table = table(&built(KEYCLOAK, section));
    let realm = "/realms/example";
    for line in [
        format!("GET {realm}/.well-known/openid-configuration"),
        format!("GET {realm}/protocol/openid-connect/auth?client_id=x&response_type=code"),
        format!("POST {realm}/protocol/openid-connect/token"),
        format!("POST {realm}/login-actions/authenticate?session_code=x&execution=y&client_id=z&tab_id=t"),
        format!("GET {realm}/broker/google/endpoint?state=x&code=y"),
        "GET /resources/4tlyd/login/keycloak.v2/css/styles.css".into(),
    ] {
        assert_eq!(verdict(&table, &line), "accepted", "{line}");
    }
    for line in [
        "GET /admin/master/console/",
        "GET /admin/realms/example/users",
        "GET /realms/master/protocol/openid-connect/auth",
        "GET /realms/other/protocol/openid-connect/certs",
        "GET /realms/example/account/",
        "POST /realms/example/clients-registrations/openid-connect",
        "GET /realms/example/protocol/saml",
        "GET /metrics",
        "GET /health/ready",
        "GET /realms/Example/protocol/openid-connect/certs",
    ] {
        assert!(verdict(&table, line).starts_with("endpoint.path."), "{line}");
    }
}

#[test]
fn shibboleth_serves_its_profiles() {
    let built = built(
        SHIBBOLETH,
        "[saml]\nrelying_parties = [\"timesheets.xml\"]\n[shibboleth]\nlogin_fields = [\"j_tokenNumber\"]\n",
    );
    let table = table(&built);
    for line in [
        "GET /idp/profile/SAML2/Redirect/SSO?SAMLRequest=x",
        "POST /idp/profile/SAML2/POST/SSO",
        "POST /idp/profile/SAML2/Redirect/SSO?execution=e1s1",
        "GET /idp/profile/SAML2/Redirect/SSO?execution=e1s1&_eventId_proceed=1",
        "GET /idp/profile/oidc/authorize?client_id=x",
        "GET /idp/css/placeholder.css",
    ] {
        assert_eq!(verdict(&table, line), "accepted", "{line}");
    }
    for line in [
        "GET /idp/status",
        "POST /idp/profile/admin/reload-service",
        "GET /idp/profile/SAML1/SOAP/AttributeQuery",
        "POST /idp/profile/SAML2/POST-SimpleSign/SSO",
        "POST /idp/profile/SAML2/SOAP/ArtifactResolution",
    ] {
        assert!(verdict(&table, line).starts_with("endpoint.path."), "{line}");
    }
    let decoder = built.policy.saml_decoder.unwrap().configuration;
    assert_eq!(decoder["paths"].as_array().unwrap().len(), 4);
    let flow = &decoder["continuations"][0];
    assert_eq!(flow["path"], "/idp/profile/SAML2/Redirect/SSO");
    assert_eq!(flow["parameters"][0], "execution");
    let fields = flow["form"]["fields"].as_array().unwrap();
    for field in ["j_username", "csrf_token", "shib_idp_ls_value.shib_idp_session_ss", "j_tokenNumber"] {
        assert!(fields.contains(&field.into()), "{field}");
    }
    assert_eq!(flow["form"]["repeated"], serde_json::json!(["_shib_idp_consentIds"]));
    assert!(built.notes.is_empty(), "{:?}", built.notes);
}

#[test]
fn management_is_recognised_below_a_base_path_too() {
    for (behind, path) in [
        (Behind::Keycloak, "/admin"),
        (Behind::Keycloak, "/Admin/x"),
        (Behind::Keycloak, "/auth/admin/realms"),
        (Behind::Keycloak, "/auth/realms/master/x"),
        (Behind::Shibboleth, "/idp/status"),
        (Behind::Shibboleth, "/idp/profile/admin/x"),
        (Behind::Endpoints, "/carbon"),
    ] {
        assert!(never_public(behind, path).is_some(), "{path}");
    }
    for (behind, path) in [
        (Behind::Keycloak, "/realms/x/admin-console"),
        (Behind::Keycloak, "/administration"),
        (Behind::Endpoints, "/admin"),
        (Behind::Wso2is, "/services/wso2carbon-sts"),
    ] {
        assert!(never_public(behind, path).is_none(), "{path}");
    }
}

#[test]
fn tenants_of_wso2is_have_the_same_paths_below_theirs() {
    let sections = format!(
        "[wso2is]\ntenants = [\"example.com\"]\n[saml]\nrelying_parties = [\"timesheets.xml\"]\n{REALM}"
    );
    let built = built(WSO2IS, &sections);
    let table = table(&built);
    for line in [
        "GET /t/example.com/samlsso?SAMLRequest=x",
        "GET /t/example.com/samlsso?sessionDataKey=0d3c",
        "GET /samlsso?SAMLRequest=x&tenantDomain=example.com",
        "POST /samlsso?tenantDomain=example.com",
        "POST /t/example.com/oauth2/token",
        "GET /t/example.com/authenticationendpoint/login.do?sessionDataKey=x",
        "GET /t/example.com/authenticationendpoint/css/a.css",
    ] {
        assert_eq!(verdict(&table, line), "accepted", "{line}");
    }
    for line in
        ["GET /t/other.example/samlsso", "GET /t/example.com/carbon", "POST /t/example.com/services/x"]
    {
        let code = verdict(&table, line);
        assert!(code.starts_with("endpoint.path."), "{line}: {code}");
    }
    let decoder = built.policy.saml_decoder.unwrap().configuration;
    assert_eq!(decoder["paths"], serde_json::json!(["/samlsso", "/t/example.com/samlsso"]));
    let resumed =
        |path: &str| serde_json::json!({ "path": path, "parameters": ["sessionDataKey", "chkRemember"] });
    let paths = ["/samlsso", "/passivests", "/t/example.com/samlsso", "/t/example.com/passivests"];
    let (forms, gets): (Vec<_>, Vec<_>) =
        decoder["continuations"].as_array().unwrap().iter().partition(|own| own.get("form").is_some());
    assert_eq!(serde_json::json!(gets), serde_json::json!(paths.map(resumed)));
    let of_forms: Vec<_> = forms.iter().map(|own| (&own["path"], &own["form"]["fields"][0])).collect();
    let marker = serde_json::json!("tocommonauth");
    assert_eq!(of_forms, [(&paths[0].into(), &marker), (&paths[2].into(), &marker)]);
    let tenants = serde_json::json!({ "tenantDomain": ["carbon.super", "example.com"] });
    assert_eq!(
        (&decoder["policy"]["companions"], &decoder["wsfed"]["policy"]["companions"]),
        (&tenants, &tenants)
    );
    assert_eq!(decoder["wsfed"]["paths"], serde_json::json!(["/passivests", "/t/example.com/passivests"]));
    assert_eq!(decoder["policy"]["destinations"].as_array().unwrap().len(), 2);
}

#[test]
fn sign_on_may_begin_at_keycloak_where_it_is_named() {
    let built = built(
        "behind = \"keycloak\"\nprotocols = [\"saml2\"]\n",
        "[keycloak]\nrealms = [\"example\"]\nidp_initiated = [\"payroll\"]\n[saml]\nrelying_parties = [\"timesheets.xml\"]\n",
    );
    let table = table(&built);
    let path = "/realms/example/protocol/saml/clients/payroll";
    assert_eq!(verdict(&table, &format!("GET {path}")), "accepted");
    assert_eq!(verdict(&table, &format!("GET {path}?RelayState=x")), "accepted");
    assert_eq!(verdict(&table, &format!("GET {path}?x=y")), "endpoint.parameter.unknown");
    assert_eq!(verdict(&table, &format!("GET {path}s")), "endpoint.path.unknown");
    let decoder = built.policy.saml_decoder.unwrap().configuration;
    assert!(decoder["unjudged_paths"].as_array().unwrap().contains(&path.into()), "{decoder}");
}

/// A sign-in can begin there beside what is demanded of authorization requests.
#[test]
fn passwords_are_reset_at_keycloak_where_that_is_named() {
    let path = "/realms/example/login-actions/reset-credentials";
    for (named, expected) in [("", "endpoint.path.unknown"), ("reset_credentials = true\n", "accepted")] {
        let built = built(
            "behind = \"keycloak\"\nprotocols = [\"oidc\"]\n",
            &format!("[keycloak]\nrealms = [\"example\"]\n{named}"),
        );
        let line = format!("GET {path}?client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2F");
        assert_eq!(verdict(&table(&built), &line), expected, "{named}");
        assert_eq!(verdict(&table(&built), &format!("POST {path}?session_code=x")), expected, "{named}");
    }
}
