//! `postern authenticator test`

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use postern_kernel::authenticator::{
    AuthenticatorModule as _, Challenge, Demanded, Element, Event, FieldKind, Form, Purpose, Step, Who,
};
use postern_kernel::capability::Capability;
use postern_kernel::directory::Claim;
use postern_manifest::Schema;

use super::granted::Granted;
use super::returned::{STATE, filled, returned};
use super::run::{Run, Told};
use super::script::{Script, StepScript};
use super::texts::Shown;
use super::{Failure, inspect, load, note, plain, say, say_problems};

/// Goes through the flows of an authenticator in the terminal.
#[derive(Args)]
#[command(after_help = "\
It runs in the sandbox with its limits, before a kernel, a store and a user store of its own, which
are gone afterwards. There is one person, alice, whose password is \"correct horse battery staple\"
and whose address is alice@example.com; an authenticator that confirms a person confirms her. Each
call is shown with what it asked of the host and what it used. Mail is shown instead of sent. Hosts
outside are called for real, when they are named here. Where a person is sent is shown: open it, and
say then by which address you came back.

Examples:
  postern authenticator test pin.wasm                          you are the person
  postern authenticator test pin.wasm --script sign-in.toml
  postern authenticator test badge.wasm --settings settings.json --language de
  postern authenticator test badge.wasm --fresh --max-age 600    as an application that asks for it
  postern authenticator test badge.wasm --directory email=alice@example.com --directory groups=staff
  postern authenticator test badge.wasm --outbound api.lan.example.com:8443 \\
    --outbound-network 10.1.0.0/16 --outbound-ca internal-ca.pem --secret api=token.txt
  postern authenticator test badge.wasm --outbound a.example --outbound b.example \\
    --secret 'api = { host = \"a.example\", kind = \"basic\", username = \"me\", file = \"secret\" }'

A script (TOML):
  settings = { digits = 6 }           # of the component; may be left out
  [[flow]]
  purpose = \"enrol\"                 # or \"sign-in\", which it is without
  [[flow.step]]
  expect = \"challenge\"              # or redirect, authenticated, enrolled, not-enrolled, denied, …
  error = \"pin.wrong\"               # the key of the error in the form; without it, there is none
  send = { digits = \"1234\" }        # then the person sends this
  mailed = { code = \"Your code:\" }  # and what stands behind these words in the last mail
  polled = true                       # or nobody does anything, and the host asks again
  [[flow.step]]
  expect = \"redirect\"
  to = \"https://login.example.org/\" # what the address begins with; may be left out
  returned = \"code=x&state={state}\" # what they come back with; {NAME} is a parameter of the address
  [[flow.step]]
  expect = \"enrolled\"

Exit codes: 0 everything as expected; 1 something was not, or it does not keep to the contract.")]
pub(crate) struct Test {
    /// The component.
    file: PathBuf,
    /// What the person types and expects, instead of you.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The component's settings, instead of those of the script: a file of JSON.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Language of the texts, such as de.
    #[arg(long, value_name = "LANGUAGE", conflicts_with = "script", default_value = "en")]
    language: String,
    /// Memory of a call in MiB, as `memory_mib` of the configuration.
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    memory_mib: u32,
    /// At sign-in: the person has to prove anew who they are.
    #[arg(long)]
    fresh: bool,
    /// At sign-in: seconds that the proof may be old at most.
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u64>,
    /// At sign-in: an authentication context that will do. May be given several times.
    #[arg(long, value_name = "CONTEXT")]
    context: Vec<String>,
    /// A claim of alice that it may read, as in `grants.directory`: email=alice@example.com. May be given several
    /// times, also with one name.
    #[arg(long, value_name = "CLAIM=VALUE")]
    directory: Vec<String>,
    #[command(flatten)]
    granted: Granted,
}

impl Test {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let loaded = load(&self.file, Some(self.memory_mib)).await?;
        let mut problems = inspect::problems(&loaded)?;
        let script = self.script.as_deref().map(Script::load).transpose()?;
        let settings = match (&script, &self.settings) {
            (_, Some(file)) => read_json(file)?,
            (Some(script), None) => serde_json::to_value(&script.settings).map_err(Failure::new)?,
            (None, None) => serde_json::json!({}),
        };
        let description = loaded.component.description().clone();
        if let Ok(schema) = Schema::read(&description.settings_schema) {
            problems.extend(schema.judge(&settings).err().map(|error| error.to_string()));
        }
        say_problems(&problems);
        if loaded.component.capabilities().contains(&Capability::Outbound) && !self.granted.names_hosts() {
            let asked = loaded.manifest.as_ref().map(|manifest| manifest.capabilities.outbound.join(", "));
            let asked =
                asked.filter(|hosts| !hosts.is_empty()).unwrap_or_else(|| "no manifest says which".into());
            note(&format!("it calls hosts ({asked}), and no --outbound names any: no call is made"));
        }
        let language = script.as_ref().map_or(&self.language, |script| &script.language);
        let shown = Shown::new(&description, language)?;
        let demanded = Demanded { fresh: self.fresh, max_age: self.max_age, contexts: self.context };
        let told = Told { demanded, claims: claims(&self.directory)? };
        let run = Run::new(loaded.component, settings.to_string(), language, told, self.granted).await?;
        let mut failed = problems.len();
        match script {
            Some(script) => {
                for flow in script.flows {
                    let purpose = flow.purpose();
                    let mut steps = flow.steps.into_iter();
                    failed += go(&run, &shown, purpose, |step| scripted(&run, &mut steps, step)).await;
                    failed += usize::from(left_over(steps.count()));
                }
            }
            None => {
                if description.enrols {
                    failed += go(&run, &shown, Purpose::Enrol, |step| asked(&shown, step)).await;
                }
                failed += go(&run, &shown, Purpose::SignIn, |step| asked(&shown, step)).await;
            }
        }
        if failed == 0 {
            say("everything as it has to be");
            return Ok(());
        }
        Err(Failure::new(format!("{failed} things are not as they have to be; they are marked with !")))
    }
}

/// What the user store says of alice.
fn claims(given: &[String]) -> Result<Vec<Claim>, Failure> {
    let mut claims: Vec<Claim> = Vec::new();
    for one in given {
        let malformed = || Failure::usage(format!("--directory {one:?}: CLAIM=VALUE is needed"));
        let (name, value) = one.split_once('=').ok_or_else(malformed)?;
        match claims.iter_mut().find(|claim| claim.name == name) {
            Some(claim) => claim.values.push(value.into()),
            None => claims.push(Claim { name: name.into(), values: vec![value.into()] }),
        }
    }
    Ok(claims)
}

fn read_json(file: &PathBuf) -> Result<serde_json::Value, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
    let text = std::fs::read(file).map_err(|error| failed(&error))?;
    serde_json::from_slice(&text).map_err(|error| failed(&error))
}

/// What somebody answers to a step: a form, or nothing more, or a problem that ends the flow.
type Answer = Result<Option<Event>, String>;

/// One flow from its beginning to its end. How much was wrong.
async fn go(
    run: &Run,
    shown: &Shown<'_>,
    purpose: Purpose,
    mut person: impl FnMut(&Step) -> Answer,
) -> usize {
    say(match purpose {
        Purpose::SignIn => "sign-in",
        Purpose::Enrol => "enrolment",
    });
    let mut failed = 0;
    let mut sent = None;
    loop {
        let step = match run.call(purpose, sent.take()).await {
            Ok(step) => step,
            Err(problem) => {
                say_problems(&[problem]);
                return failed + 1;
            }
        };
        say_step(shown, &step);
        if let Step::Challenge(challenge) = &step {
            let nobodys = shown.nobodys(challenge);
            failed += nobodys.len();
            say_problems(
                &nobodys.iter().map(|key| format!("texts: {key:?} is in no translation")).collect::<Vec<_>>(),
            );
        }
        match (person(&step), step) {
            (Ok(Some(event)), Step::Challenge(challenge)) => sent = Some((challenge.state, event)),
            (Ok(Some(event)), Step::Redirect(redirection)) => sent = Some((redirection.state, event)),
            (Ok(_), _) => return failed,
            (Err(problem), _) => {
                say_problems(&[problem]);
                return failed + 1;
            }
        }
    }
}

/// What the script says to the step.
fn scripted(run: &Run, steps: &mut impl Iterator<Item = StepScript>, step: &Step) -> Answer {
    let Some(expected) = steps.next() else { return Err("the script has ended, the flow has not".into()) };
    if let Some(problem) = expected.problem(step) {
        return Err(problem);
    }
    let mut fields: Vec<(String, String)> = expected.send.into_iter().collect();
    for (field, words) in expected.mailed {
        let found = run.mailed(&words).ok_or_else(|| format!("no mail has {words:?}"))?;
        fields.push((field, found));
    }
    if let Step::Challenge(challenge) = step {
        if expected.polled {
            return Ok(Some(Event::Poll));
        }
        let names = names(challenge);
        if let Some((name, _)) = fields.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            return Err(format!("the form has no field {name:?}, it has {}", names.join(", ")));
        }
        return Ok(Some(Form(fields).into()));
    }
    if let Step::Redirect(redirection) = step {
        return returned(&filled(&expected.returned, &redirection.url)?).map(Some);
    }
    Ok(None)
}

fn left_over(steps: usize) -> bool {
    if steps > 0 {
        say_problems(&[format!("the flow has ended, and the script goes on for {steps} steps")]);
    }
    steps > 0
}

fn names(challenge: &Challenge) -> Vec<&str> {
    challenge
        .elements
        .iter()
        .filter_map(|element| match element {
            Element::Field(field) => Some(field.name.as_str()),
            Element::Choice(choice) => Some(choice.name.as_str()),
            _ => None,
        })
        .collect()
}

/// What the person at the terminal types.
fn asked(shown: &Shown<'_>, step: &Step) -> Answer {
    if let Step::Redirect(_) = step {
        let Some(typed) = read_line("    the address that you came back by, or its query: ") else {
            return Err("the input has ended, the flow has not".into());
        };
        return returned(&typed).map(Some);
    }
    let Step::Challenge(challenge) = step else { return Ok(None) };
    let mut fields = Vec::new();
    for element in &challenge.elements {
        let mut is_secret = false;
        let (name, label) = match element {
            Element::Field(field) => {
                is_secret = field.kind == FieldKind::Secret;
                (&field.name, shown.text(&field.label))
            }
            Element::Choice(choice) => {
                for option in &choice.options {
                    say(format!("      {}: {}", plain(&option.value), plain(&shown.text(&option.label))));
                }
                (&choice.name, shown.text(&choice.label))
            }
            _ => continue,
        };
        let prompt = format!("    {}: ", plain(&label));
        let Some(typed) = (if is_secret { read_secret(&prompt) } else { read_line(&prompt) }) else {
            return Err("the input has ended, the flow has not".into());
        };
        fields.push((name.clone(), typed));
    }
    let waits = challenge.elements.iter().any(|element| matches!(element, Element::Waiting(_)));
    if fields.is_empty() && waits {
        let Some(_) = read_line("    Enter, for the host to ask again: ") else {
            return Err("the input has ended, the flow has not".into());
        };
        return Ok(Some(Event::Poll));
    }
    Ok(Some(Form(fields).into()))
}

fn read_line(prompt: &str) -> Option<String> {
    let mut out = io::stdout();
    out.write_all(prompt.as_bytes()).and_then(|()| out.flush()).ok()?;
    let mut line = String::new();
    let length = io::stdin().lock().read_line(&mut line).ok()?;
    (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

/// As [`read_line`]; a terminal does not show what is typed.
fn read_secret(prompt: &str) -> Option<String> {
    if io::stdin().is_terminal() { rpassword::prompt_password(prompt).ok() } else { read_line(prompt) }
}

fn say_step(shown: &Shown<'_>, step: &Step) {
    let text = match step {
        Step::Challenge(challenge) => return say_challenge(shown, challenge),
        Step::Authenticated(identity) => {
            let who = match &identity.who {
                Who::Account(_) => "the account".to_owned(),
                Who::Claims(claims) => format!("{:?} of {:?}", claims.subject, claims.issuer),
            };
            format!("authenticated: {who}, {}, context {}", identity.methods.join(" "), identity.context)
        }
        Step::Redirect(redirection) => return say_redirect(&redirection.url),
        Step::Enrolled => "enrolled".into(),
        Step::NotEnrolled => "not enrolled: the person takes another way".into(),
        Step::Denied(denial) => {
            format!("denied: {} (for the log: {})", shown.text(&denial.text), denial.reason)
        }
        Step::Unavailable(reason) => format!("unavailable: {reason}"),
        #[allow(unreachable_patterns, reason = "steps are added; this page has no words for them yet")]
        _ => "another step".into(),
    };
    say(format!("  {}", plain(&text)));
}

fn say_redirect(url: &str) {
    say(format!("  redirect: the person is sent to {}", plain(url)));
    if !url.contains(STATE) {
        say("    note: redirect-state is not in the address; who comes back without it is nobody's");
    }
}

fn say_challenge(shown: &Shown<'_>, challenge: &Challenge) {
    let line = |text: String| say(format!("    {}", plain(&text)));
    say(format!("  challenge: {}", plain(&shown.text(&challenge.title))));
    if let Some(error) = &challenge.error {
        line(format!("error: {}", shown.text(error)));
    }
    for element in &challenge.elements {
        match element {
            Element::Field(field) => {
                let kind = match field.kind {
                    FieldKind::Text => "text",
                    FieldKind::Secret => "secret",
                    FieldKind::OneTimeCode => "one-time code",
                };
                line(format!("[{}] {} ({kind})", field.name, shown.text(&field.label)));
            }
            Element::Choice(choice) => {
                line(format!(
                    "[{}] {} (one of {})",
                    choice.name,
                    shown.text(&choice.label),
                    choice.options.len()
                ));
            }
            Element::QrCode(code) => line(format!("{}: QR code, or {}", shown.text(&code.label), code.plain)),
            Element::Message(message) => line(shown.text(&message.body)),
            Element::Waiting(waiting) => {
                line(format!("{} (asked again each {} s)", shown.text(&waiting.label), waiting.interval));
            }
            #[allow(unreachable_patterns, reason = "elements are added; a terminal can't show them all")]
            _ => line("(something that only a browser shows)".into()),
        }
    }
}
