//! mod_auth_mellon and mod_auth_openidc in a private Apache.
use std::fs;

use postern_end_to_end::apache::Apache;
use postern_end_to_end::browser::{Browser, Page};
use postern_end_to_end::site::USER;

use crate::world::{mellon_metadata_of, world};

#[test]
fn mod_auth_mellon_signs_in() {
    let world = world();
    let port = world.applications.mellon_port;
    let folder = world.site.folder_for("mellon");
    let (key, certificate) = world.sp_key_files();
    for (name, content) in [
        ("idp.xml", world.site.fetch("/identity/metadata/saml2")),
        ("sp.xml", mellon_metadata_of(port)),
        ("sp.key", fs::read_to_string(key).expect("a key")),
        ("sp.pem", fs::read_to_string(certificate).expect("a certificate")),
    ] {
        fs::write(folder.join(name), content).expect("a folder to write to");
    }
    let configuration = format!(
        r#"<Location />
  MellonEnable info
  MellonEndpointPath /mellon
  MellonSPMetadataFile {sp:?}
  MellonSPPrivateKeyFile {key:?}
  MellonSPCertFile {certificate:?}
  MellonIdPMetadataFile {idp:?}
  MellonSecureCookie Off
  MellonCookieSameSite lax
  MellonSignatureMethod rsa-sha256
</Location>
<Location /protected>
  AuthType Mellon
  MellonEnable auth
</Location>"#,
        sp = folder.join("sp.xml"),
        key = folder.join("sp.key"),
        certificate = folder.join("sp.pem"),
        idp = folder.join("idp.xml"),
    );
    let apache = Apache::start(&folder, port, "auth_mellon", &configuration);
    let mut browser = world.site.browser();
    let page = visit(&mut browser, &apache);
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    let page = browser.pass_on(page).expect("a page");
    demand_signed_in(&page, &apache);

    // A Response that was changed on the way is turned down.
    let mut browser = world.site.browser();
    let page = visit(&mut browser, &apache);
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    let mut form = page.automatic_form().expect("a Response");
    let response = form.fields.get_mut("SAMLResponse").expect("a Response");
    let middle = response.len() / 2;
    let other = if response.as_bytes()[middle] == b'A' { "B" } else { "A" };
    response.replace_range(middle..=middle, other);
    let page = browser.submit_form(&page, &form, &[]).expect("a page");
    assert!(page.answer.status >= 400, "{}", page.text());
}

#[test]
fn mod_auth_openidc_signs_in() {
    let world = world();
    let port = world.applications.openidc_port;
    let folder = world.site.folder_for("openidc");
    let authority = folder.join("web.pem");
    fs::copy(world.site.web.certificate_file(), &authority).expect("a folder to write to");
    let client = &world.applications.openidc;
    let configuration = format!(
        r#"OIDCProviderMetadataURL {base}/.well-known/openid-configuration
OIDCCABundlePath {authority:?}
OIDCClientID {id}
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/protected/callback
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
OIDCCryptoPassphrase "only for one test run"
OIDCCookieSameSite Off
<Location /protected>
  AuthType openid-connect
</Location>"#,
        base = world.site.base_url(),
        id = client.identifier,
        secret = client.secret.as_deref().expect("a secret"),
    );
    let apache = Apache::start(&folder, port, "auth_openidc", &configuration);
    let mut browser = world.site.browser();
    let page = visit(&mut browser, &apache);
    let page = browser.sign_in(&page, USER.0, USER.1).expect("a page");
    let page = browser.pass_on(page).expect("a page");
    demand_signed_in(&page, &apache);
}

fn visit(browser: &mut Browser, apache: &Apache) -> Page {
    let page = browser
        .open(&apache.url("/protected/"))
        .unwrap_or_else(|error| panic!("{error}\n{}", apache.process.log()));
    browser.pass_on(page).expect("a page")
}

fn demand_signed_in(page: &Page, apache: &Apache) {
    let context = || format!("{} {}\n{}", page.url, page.text(), apache.process.log());
    assert_eq!(page.answer.status, 200, "{}", context());
    assert_eq!(page.text(), "the protected page\n", "{}", context());
    let user = page.answer.header("x-user").unwrap_or_default();
    assert!(!user.is_empty() && user != "(null)", "{}", context());
}
