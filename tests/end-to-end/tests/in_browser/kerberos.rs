//! Kerberos tickets, shown by Chromium: of a real MIT KDC, through the proxy.
use std::fs;

use postern_end_to_end::kdc::{Kdc, REALM};
use postern_end_to_end::names::Names;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;
use postern_end_to_end::site::Site;
use postern_end_to_end::tools;

use crate::PROXY;
use crate::applications::Applications;
use crate::driver::drive;
use crate::world::NAME;

#[test]
fn a_ticket_signs_somebody_in_and_whoever_has_none_is_asked() {
    let folder =
        scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("in-browser-kerberos-{}", PROXY.name()));
    let names = Names::new(&folder, &[NAME]);
    let kdc = Kdc::start(&folder.join("kdc"), NAME);
    kdc.person("carol");
    let keytab = kdc.service(&format!("HTTP/{NAME}"));
    let kerberos = format!("[kerberos]\nkeytab = {keytab:?}\nservice = \"HTTP/{NAME}@{REALM}\"\n");
    let (site, applications) = Site::start_at(PROXY, (NAME, &names), &folder, |postern, base_url| {
        configure(postern, &kerberos);
        Applications::start(postern, &folder, &names, base_url)
    });
    let node = tools::node();
    let mut driver = kdc.signed_in("carol", &node.to_string_lossy());
    driver.env("TICKETS_FOR", NAME);
    drive(driver, "kerberos", (&site, &names), &applications, &[]);
    let count = |name: &str| site.postern.audit().iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("account.created"), count("ticket.refused")), (1, 0));
    let people = site.postern.run(&["user", "list"]);
    assert!(people.contains("carol"), "{people}");
}

fn configure(postern: &Postern, kerberos: &str) {
    let file = postern.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let text = text.replace("enabled = [\"password\"]", "enabled = [\"kerberos\", \"password\"]");
    let settings = format!(
        "[authenticators.modules.kerberos]\nredirects = []\nsettings = {{ realms = [\"{REALM}\"] }}\n\
         accounts = {{ unknown = \"create\" }}\n[sign_in]\nsteps = [[\"kerberos\", \"password\"]]\n"
    );
    fs::write(&file, format!("{text}{settings}{kerberos}")).expect("a folder to write to");
    postern.run(&["check"]);
}
