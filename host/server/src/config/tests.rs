use std::path::Path;

use postern_settings::SettingsFile as _;

use super::{Configuration, STARTER, parse};

fn problems(text: &str) -> Vec<String> {
    match parse(Path::new("postern.toml"), text) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.to_string().lines().map(Into::into).collect(),
    }
}

const GOOD: &str = r#"base_url = "https://sso.example.com"
[public]
listen = "127.0.0.1:9443"
certificate = "a.pem"
key = "a.key"
client_ca = "ca.pem"
[management]
listen = "127.0.0.1:9444"
certificate = "b.pem"
key = "b.key"
"#;

#[test]
fn the_starter_is_good_and_shows_the_defaults() {
    assert_eq!(problems(STARTER), Vec::<String>::new());
    let starter = parse(Path::new("postern.toml"), STARTER).unwrap();
    let short = parse(Path::new("postern.toml"), GOOD).unwrap();
    assert_eq!(starter.sign_in, short.sign_in);
    assert_eq!(starter.sessions, short.sessions);
    assert_eq!(starter.state, short.state);
    assert_eq!(starter.keys, short.keys);
    assert_eq!(starter.modules, short.modules);
    assert_eq!(starter.authenticators, short.authenticators);
    assert_eq!(starter.log, short.log);
    assert_eq!(starter.management.token_file, short.management.token_file);
}

#[test]
fn the_starters_edge_is_good_once_it_is_uncommented() {
    let at = STARTER.find("# [edge]").unwrap();
    let edge: String = STARTER[at..].lines().map(|line| format!("{}\n", &line[2..])).collect();
    assert_eq!(problems(&format!("{}{edge}", &STARTER[..at])), Vec::<String>::new());
}

#[test]
fn all_problems_are_named_with_line_column_and_field() {
    let text = r#"base_url = 7
surprise = true
[public]
listen = "nowhere"
certificate = "a.pem"
kee = "a.key"
[management]
listen = "127.0.0.1:9444"
certificate = "b.pem"
key = "b.key"
[sessions]
idle = "soon"
[log]
level = "loud"
"#;
    let found = problems(text);
    let begins: Vec<&str> = [
        "postern.toml:1:12: base_url: invalid type",
        "postern.toml:2:1: surprise: unknown field `surprise`",
        "postern.toml:3:2: public.key: is missing",
        "postern.toml:4:10: public.listen: ",
        "postern.toml:6:1: public.kee: unknown field `kee`",
        "postern.toml:12:8: sessions.idle: invalid value: string \"soon\"",
        "postern.toml:14:9: log.level: unknown variant `loud`",
    ]
    .into();
    assert_eq!(found.len(), begins.len(), "{found:#?}");
    for (line, begin) in found.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line} / {begin}");
    }
}

#[test]
fn every_required_field_that_is_missing_is_named() {
    let found = problems("[edge]\n[kerberos]\n[mail]\n");
    let optional: usize = Configuration::REQUIRED_IN.iter().map(|(_, fields)| fields.len()).sum();
    let expected = Configuration::REQUIRED.len() + optional;
    assert_eq!(found.len(), expected, "{found:#?}");
    assert!(found.iter().all(|line| line.ends_with(": is missing")), "{found:#?}");
    assert!(found.contains(&"postern.toml:1:2: edge.upstream_ca: is missing".to_owned()), "{found:#?}");
}

#[test]
fn broken_syntax_is_named_by_its_line() {
    let found = problems("base_url = \"https://x\n[public\nlisten = 1");
    assert!(found.iter().any(|line| line.starts_with("postern.toml:1:")), "{found:?}");
}

#[test]
fn management_can_not_share_the_public_socket() {
    for listen in ["127.0.0.1:9443", "0.0.0.0:9443", "[::]:9443"] {
        let found = problems(&GOOD.replace("127.0.0.1:9444", listen));
        assert_eq!(found.len(), 1, "{listen}");
        assert!(
            found[0].starts_with("postern.toml:8:1: management.listen: must be another socket"),
            "{found:?}"
        );
    }
}

#[test]
fn management_can_not_be_the_proxys_upstream() {
    let edge = STARTER[STARTER.find("# [edge]").unwrap()..].replace("# ", "");
    let text = format!("{GOOD}{edge}").replace("postern.lan.example.com:9443", "127.0.0.1:9444");
    let found = problems(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("edge.upstream: is the management listener"), "{found:?}");
}

#[test]
fn a_client_certificate_is_required_unless_it_is_switched_off() {
    let without = GOOD.replace("client_ca = \"ca.pem\"\n", "");
    assert!(problems(&without)[0].starts_with("postern.toml:2:2: public.client_ca: is missing"));
    let off = GOOD.replace("client_ca = \"ca.pem\"\n", "client_certificate = \"off\"\n");
    assert_eq!(problems(&off), Vec::<String>::new());
}

#[test]
fn a_base_url_is_an_origin_in_canonical_form() {
    for url in [
        "http://sso.example.com",
        "https://sso.example.com/",
        "https://SSO.example.com",
        "https://sso.example.com:443",
        "https://sso.example.com:08443",
        "https://user@sso.example.com",
        "https://",
    ] {
        let found = problems(&GOOD.replace("https://sso.example.com", url));
        assert!(found.len() == 1 && found[0].contains("base_url: must be"), "{url}: {found:?}");
    }
    assert_eq!(problems(&GOOD.replace("sso.example.com", "localhost:8443")), Vec::<String>::new());
}

#[test]
fn names_of_modules_can_not_leave_their_folder() {
    for name in ["../saml2", "saml2.wasm", "", "SAML"] {
        let found = problems(&format!("{GOOD}[modules]\nenabled = [\"{name}\"]\n"));
        assert!(found[0].starts_with("postern.toml:12:1: modules.enabled: "), "{name}: {found:?}");
    }
}

#[test]
fn settings_of_a_module_that_is_not_enabled_are_a_problem() {
    let found = problems(&format!("{GOOD}[modules.settings.smal]\nx = 1\n"));
    assert!(found[0].contains("modules.settings.smal: belongs to no module"), "{found:?}");
}

#[test]
fn the_schema_refuses_unknown_fields_and_names_the_sections() {
    let schema: serde_json::Value = serde_json::from_str(&super::schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["base_url", "public", "management"]));
    assert!(schema["properties"]["sign_in"].is_object());
    assert_eq!(schema["$defs"]["Public"]["additionalProperties"], false);
    assert_eq!(schema["$defs"]["Sessions"]["properties"]["idle"]["type"], "string");
}

/// What the filters may report instead of refusing, and how they ask about tokens.
#[test]
fn rules_of_every_filter_may_report_and_tokens_may_be_asked_about() {
    let edge = STARTER[STARTER.find("# [edge]").unwrap()..].replace("# ", "");
    let of = |line: &str, tokens: &str| {
        let edge = edge.replacen("[edge]\n", &format!("[edge]\n{line}\n"), 1);
        problems(&format!("{GOOD}{edge}\n{tokens}"))
    };
    let switched = r#"report_only = ["endpoint.parameter.unknown", "saml.issuer.unknown", "token.expired"]"#;
    assert_eq!(of(switched, ""), Vec::<String>::new());
    for code in ["endpoint.path.never-public", "xml.dtd", "jose.signature.mismatch", "surprise"] {
        let found = of(&format!("report_only = [{code:?}]"), "");
        assert!(found[0].contains("edge.report_only") && found[0].contains(code), "{found:?}");
    }
    let asked = "[edge.tokens]\nroutes = [{ exact = \"/x\" }]\n[edge.tokens.introspection]\nclient_id = \"edge\"\n\
                 client_secret_env = \"EDGE_SECRET\"\n";
    assert_eq!(of("", asked), Vec::<String>::new());
    let found = of("", &format!("{asked}authentication = \"tls\"\n"));
    assert!(found[0].contains("edge.tokens.introspection.authentication"), "{found:?}");
    assert!(!of("", &asked.replace("client_secret_env", "client_secret")).is_empty());
}

#[test]
fn mail_is_protected_and_bounded() {
    let with = |mail: &str| problems(&format!("{GOOD}[mail]\n{mail}"));
    let good = "server = \"mail.example.com\"\nfrom = \"sso@example.com\"\n";
    assert_eq!(with(good), Vec::<String>::new());
    let configuration = parse(Path::new("postern.toml"), &format!("{GOOD}[mail]\n{good}")).unwrap();
    let mail = configuration.mail.unwrap();
    assert_eq!((mail.tls, mail.port(), mail.timeout.0), (super::MailTls::Required, 465, 5));
    for (lines, expected) in [
        ("tls = \"opportunistic\"", "mail.tls"),
        (
            "tls = \"off\"\nusername = \"a\"\npassword_file = \"b\"",
            "mail.tls: must not be \"off\" with a password",
        ),
        ("tls = \"off\"\nca = \"a\"", "mail.ca: has no effect"),
        ("username = \"a\"", "username and password_file belong together"),
        ("port = 0", "mail.port"),
        ("timeout = \"9s\"", "mail.timeout"),
        ("password = \"a\"", "mail.password"),
    ] {
        let found = with(&format!("{good}{lines}\n"));
        assert!(found.iter().any(|problem| problem.contains(expected)), "{lines}: {found:?}");
    }
    let wrong = with("server = \"mail.example.com:25\"\nfrom = \"Sign-on <sso@example.com>\"\n");
    assert!(wrong.iter().any(|problem| problem.contains("mail.server")), "{wrong:?}");
    assert!(wrong.iter().any(|problem| problem.contains("mail.from")), "{wrong:?}");
    let empty = with("");
    assert!(empty.iter().any(|problem| problem.contains("mail.server")), "{empty:?}");
}

#[test]
fn kerberos_is_a_file_and_a_service() {
    let good = format!("{GOOD}[kerberos]\nkeytab = \"http.keytab\"\nservice = \"HTTP/a@B\"\n");
    let configuration = parse(Path::new("postern.toml"), &good).unwrap();
    assert_eq!(configuration.kerberos.unwrap().service, "HTTP/a@B");
    let found = problems(&format!("{good}password = \"a\"\n"));
    assert!(found.iter().any(|problem| problem.contains("kerberos.password")), "{found:?}");
}

#[test]
fn the_starters_mail_is_good_once_it_is_uncommented() {
    let text = STARTER.replace("# [mail]", "[mail]");
    let (before, mail) = text.split_at(text.find("[mail]").unwrap());
    let (mail, after) = mail.split_at(mail.find("\n\n").unwrap());
    let mail = mail.replace("\n# ", "\n");
    assert_eq!(problems(&format!("{before}{mail}{after}")), Vec::<String>::new());
}
