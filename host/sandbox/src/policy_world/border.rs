//! Values on their way into a policy's component, and out of it: there each is checked.

use postern_kernel::authenticator::Translation;
use postern_kernel::policy::{
    Application, Context, Decision, Demanded, Denial, Description, Device, Failures, MOST_ALTERNATIVES,
    MOST_STEPS, Occasion, Person,
};

use super::wit;
use crate::bounds;
use crate::stop::Stop;

// Bytes.
const NAME: usize = 64;
const TEXT: usize = 256;
const KEY: usize = 128;
const LONG_TEXT: usize = 1_024;
const SCHEMA: usize = 16 << 10;
/// Items of a list.
const TRANSLATIONS: usize = 128;

pub(super) fn context(context: Context) -> wit::Context {
    let Context { occasion, application, demand, person, client_address, networks, .. } = context;
    let Context { headers, device, time, failures, done, reached, steps, settings, .. } = context;
    let Demanded { contexts, force, passive } = demand;
    let Device { known, remembered } = device;
    let Failures { person: of_person, address } = failures;
    let header = |(name, value)| wit::Header { name, value };
    wit::Context {
        occasion: match occasion {
            Occasion::Begin => wit::Occasion::Begin,
            Occasion::Step => wit::Occasion::Step,
            Occasion::Session => wit::Occasion::Session,
        },
        application: application
            .map(|Application { identifier, name }| wit::Application { identifier, name }),
        demand: wit::Demand { contexts, force, passive },
        person: person.map(told),
        client_address: client_address.to_string(),
        networks,
        headers: headers.into_iter().map(header).collect(),
        device: wit::Device { known, remembered },
        time,
        failures: wit::Failures { person: of_person, address },
        done,
        reached,
        steps,
        settings,
    }
}

fn told(person: Person) -> wit::Person {
    let Person { subject, username, groups, claims } = person;
    let claims = claims.into_iter().map(|claim| wit::Claim { name: claim.name, values: claim.values });
    wit::Person { subject, username, groups, claims: claims.collect() }
}

pub(super) fn description(description: wit::Description) -> Result<Description, Stop> {
    let wit::Description { name, version, title, settings_schema, translations } = description;
    bounds::name("name", &name, 32, "-")?;
    bounds::name("version", &version, 32, ".-+")?;
    bounds::filled("title", &title, TEXT)?;
    bounds::json_object("settings-schema", &settings_schema, SCHEMA)?;
    bounds::count("translations", translations.len(), TRANSLATIONS)?;
    let pairs = translations.iter().map(|translation| (&translation.language, &translation.key));
    bounds::distinct("translations", pairs)?;
    for wit::Translation { language, key, text } in &translations {
        bounds::name("translations: language", language, 35, "-")?;
        bounds::name("translations: key", key, KEY, ".-_")?;
        bounds::filled("translations: text", text, LONG_TEXT)?;
        if !translations.iter().any(|other| other.key == *key && other.language == "en") {
            return Err(Stop::output(format_args!("translations: {key} is not in English")));
        }
    }
    let own = |wit::Translation { language, key, text }| Translation { language, key, text };
    let translations: Vec<_> = translations.into_iter().map(own).collect();
    Ok(Description { name, version, title, settings_schema, translations: translations.into() })
}

pub(super) fn decision(decision: wit::Decision) -> Result<Decision, Stop> {
    Ok(match decision {
        wit::Decision::Unchanged => Decision::Unchanged,
        wit::Decision::Steps(steps) => {
            bounds::count("steps", steps.len(), MOST_STEPS)?;
            for step in &steps {
                bounds::count("steps: alternatives", step.len(), MOST_ALTERNATIVES)?;
                step.iter().try_for_each(|name| bounds::name("steps: authenticator", name, NAME, "-"))?;
            }
            Decision::Steps(steps)
        }
        wit::Decision::Deny(wit::Denial { text, reason }) => {
            bounds::name("deny: text", &text, KEY, ".-_")?;
            bounds::filled("deny: reason", &reason, TEXT)?;
            Decision::Deny(Denial { text, reason })
        }
    })
}
