//! The context of a trial, as JSON. What is left out is as at the beginning of a sign-in from 192.0.2.1.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use postern_kernel::directory::Claim;
use postern_kernel::policy::{self, Demanded, Device, Failures, Occasion};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Context {
    occasion: When,
    application: Option<Application>,
    demand: Demand,
    person: Option<Person>,
    client_address: IpAddr,
    networks: Vec<String>,
    headers: BTreeMap<String, String>,
    device: Browser,
    time: u64,
    failures: Failed,
    done: Vec<String>,
    reached: Vec<String>,
    steps: Vec<Vec<String>>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            occasion: When::Begin,
            application: None,
            demand: Demand::default(),
            person: None,
            client_address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            networks: Vec::new(),
            headers: BTreeMap::new(),
            device: Browser::default(),
            time: 1_800_000_000,
            failures: Failed::default(),
            done: Vec::new(),
            reached: Vec::new(),
            steps: vec![vec!["password".into()]],
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Begin,
    Step,
    Session,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    identifier: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Demand {
    contexts: Vec<String>,
    force: bool,
    passive: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    subject: String,
    username: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    claims: BTreeMap<String, Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Browser {
    known: bool,
    remembered: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Failed {
    person: u32,
    address: u32,
}

impl Context {
    /// As the policy gets it, with these settings.
    pub(super) fn told(self, settings: String) -> policy::Context {
        let Demand { contexts, force, passive } = self.demand;
        let person = |person: Person| policy::Person {
            subject: person.subject,
            username: person.username,
            groups: person.groups,
            claims: person.claims.into_iter().map(|(name, values)| Claim { name, values }).collect(),
        };
        let application =
            |Application { identifier, name }: Application| policy::Application { identifier, name };
        policy::Context {
            occasion: match self.occasion {
                When::Begin => Occasion::Begin,
                When::Step => Occasion::Step,
                When::Session => Occasion::Session,
            },
            application: self.application.map(application),
            demand: Demanded { contexts, force, passive },
            person: self.person.map(person),
            client_address: self.client_address,
            networks: self.networks,
            headers: self.headers.into_iter().collect(),
            device: Device { known: self.device.known, remembered: self.device.remembered },
            time: self.time,
            failures: Failures { person: self.failures.person, address: self.failures.address },
            done: self.done,
            reached: self.reached,
            steps: self.steps,
            settings,
        }
    }
}
