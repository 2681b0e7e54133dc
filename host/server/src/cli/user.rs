//! `postern user …`

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use postern_directory::NewUser;
use postern_kernel::directory::Claim;
use zeroize::Zeroizing;

use super::output::{Failure, plain, say, table};
use crate::audit::rfc3339;
use crate::compose::Opened;
use crate::config::Configuration;

#[derive(Subcommand)]
pub(super) enum User {
    /// Add a person.
    #[command(after_help = "\
Examples:
  postern user add alice --email alice@example.com --given-name Alice --family-name Example
  postern user add bob --claim groups=staff --claim groups=admins --password-stdin < secret")]
    Add(Add),
    /// Set a person's password and end their sessions.
    Passwd {
        /// The person's name.
        username: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Forget what the person has set up to sign in with beside their password, such as a lost phone, and
    /// end their sessions.
    ResetFactors {
        /// The person's name.
        username: String,
    },
    /// List the outside identities that sign a person in.
    Links {
        /// The person's name.
        username: String,
    },
    /// Forget them, and end the person's sessions.
    Unlink {
        /// The person's name.
        username: String,
    },
    /// Let a person use factors again that were locked after too many failures in a row.
    Unlock {
        /// The person's name.
        username: String,
    },
    /// List people.
    List,
    /// Let nobody sign in as this person, and end their sessions.
    Disable {
        /// The person's name.
        username: String,
    },
    /// Let the person sign in again.
    Enable {
        /// The person's name.
        username: String,
    },
}

#[derive(Args)]
pub(super) struct Add {
    /// What the person types to sign in.
    username: String,
    /// E-mail address.
    #[arg(long)]
    email: Option<String>,
    /// First name.
    #[arg(long)]
    given_name: Option<String>,
    /// Last name.
    #[arg(long)]
    family_name: Option<String>,
    /// Full name; made of the two by default.
    #[arg(long)]
    name: Option<String>,
    /// A further claim, such as groups=staff; again for a further value.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    #[command(flatten)]
    password: PasswordSource,
}

/// Never an argument: those are seen in the list of processes and kept by shells.
#[derive(Args)]
pub(super) struct PasswordSource {
    /// Read the password from standard input, one line, instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

impl User {
    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(configuration).await,
            Self::Passwd { username, password } => {
                let password = password.read()?;
                let opened = Opened::open(configuration).await?;
                let user = opened.directory.set_password(&username, &password).await.map_err(Failure::new)?;
                opened.administrative(
                    "user.password-set",
                    Some(&user.subject),
                    &[("username", &user.username)],
                );
                say(format!("password of {} set; their sessions have ended", plain(&user.username)));
                Ok(())
            }
            Self::ResetFactors { username } => reset_factors(configuration, &username).await,
            Self::Links { username } => links(configuration, &username).await,
            Self::Unlink { username } => unlink(configuration, &username).await,
            Self::Unlock { username } => unlock(configuration, &username).await,
            Self::List => list(configuration).await,
            Self::Disable { username } => set_disabled(configuration, &username, true).await,
            Self::Enable { username } => set_disabled(configuration, &username, false).await,
        }
    }
}

impl Add {
    async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let password = self.password.read()?;
        let opened = Opened::open(configuration).await?;
        let new = NewUser { username: self.username.clone(), claims: self.claims() };
        let user = opened.directory.add_user(new, &password).await.map_err(Failure::new)?;
        opened.administrative("user.added", Some(&user.subject), &[("username", &user.username)]);
        say(format!("added {} ({})", plain(&user.username), user.subject));
        Ok(())
    }

    fn claims(&self) -> Vec<Claim> {
        let full = match (&self.name, &self.given_name, &self.family_name) {
            (Some(name), _, _) => Some(name.clone()),
            (None, Some(given), Some(family)) => Some(format!("{given} {family}")),
            _ => None,
        };
        let named = [
            ("email", &self.email),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("name", &full),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let mut claims: Vec<Claim> = Vec::new();
        for (name, value) in named.chain(self.claims.iter().cloned()) {
            match claims.iter_mut().find(|claim| claim.name == name) {
                Some(claim) => claim.values.push(value),
                None => claims.push(Claim { name, values: vec![value] }),
            }
        }
        claims
    }
}

impl PasswordSource {
    fn read(&self) -> Result<Zeroizing<String>, Failure> {
        /// Longer than any that is allowed.
        const MOST: u64 = 4_096;
        if self.password_stdin {
            let mut line = Zeroizing::new(String::new());
            let read = io::stdin().lock().take(MOST).read_line(&mut line);
            read.map_err(|error| Failure::new(format!("the password was not read: {error}")))?;
            let length = line.trim_end_matches(['\r', '\n']).len();
            line.truncate(length);
            return Ok(line);
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::usage("there is no terminal to ask for the password: use --password-stdin"));
        }
        let ask = |prompt: &str| {
            rpassword::prompt_password(prompt)
                .map(Zeroizing::new)
                .map_err(|error| Failure::new(format!("the password was not read: {error}")))
        };
        let password = ask("Password: ")?;
        if *ask("Again: ")? != *password {
            return Err(Failure::new("the two are not the same: nothing was changed"));
        }
        Ok(password)
    }
}

async fn list(configuration: &Configuration) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = opened.installation.store.list_users(after.as_deref(), 500).await?;
        rows.extend(page.items.into_iter().map(|user| {
            let state = if user.disabled { "disabled" } else { "enabled" };
            vec![plain(&user.username), user.subject, state.into(), rfc3339(user.created_at)]
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    table(&["NAME", "SUBJECT", "STATE", "SINCE"], &rows);
    Ok(())
}

async fn reset_factors(configuration: &Configuration, username: &str) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let store = &opened.installation.store;
    let Some((user, _)) = store.user_by_name(username).await? else {
        return Err(Failure::new(format!("there is no {}", plain(username))));
    };
    let removed = store.remove_credentials_of(&user.subject).await?;
    store.clear_in_a_row_of(&user.subject).await?;
    store.end_sessions_of(&user.subject).await?;
    let count = removed.to_string();
    let fields = [("username", user.username.as_str()), ("removed", &count)];
    opened.administrative("user.factors-reset", Some(&user.subject), &fields);
    say(format!("{removed} removed of {}; their sessions have ended", plain(&user.username)));
    Ok(())
}

async fn links(configuration: &Configuration, username: &str) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let store = &opened.installation.store;
    let Some((user, _)) = store.user_by_name(username).await? else {
        return Err(Failure::usage(format!("there is no user named {}", plain(username))));
    };
    let links = store.links_of(&user.subject).await?.into_iter();
    let rows: Vec<_> = links
        .map(|link| {
            let (issuer, identity) = (plain(&link.issuer), plain(&link.identity));
            vec![link.authenticator, issuer, identity, plain(&link.label), rfc3339(link.created_at)]
        })
        .collect();
    table(&["AUTHENTICATOR", "ISSUER", "IDENTITY", "CALLED", "SINCE"], &rows);
    Ok(())
}

async fn unlink(configuration: &Configuration, username: &str) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let store = &opened.installation.store;
    let Some((user, _)) = store.user_by_name(username).await? else {
        return Err(Failure::usage(format!("there is no user named {}", plain(username))));
    };
    let removed = store.remove_links_of(&user.subject).await?;
    store.end_sessions_of(&user.subject).await?;
    let count = removed.to_string();
    let fields = [("username", user.username.as_str()), ("removed", &count)];
    opened.administrative("user.unlinked", Some(&user.subject), &fields);
    say(format!("{removed} removed of {}; their sessions have ended", plain(&user.username)));
    Ok(())
}

async fn unlock(configuration: &Configuration, username: &str) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let store = &opened.installation.store;
    let Some((user, _)) = store.user_by_name(username).await? else {
        return Err(Failure::usage(format!("there is no user named {}", plain(username))));
    };
    let factors = store.clear_in_a_row_of(&user.subject).await?;
    let fields = [("username", user.username.as_str())];
    opened.administrative("user.factors-unlocked", Some(&user.subject), &fields);
    say(format!("failures of {factors} factors of {} forgotten", plain(&user.username)));
    Ok(())
}

async fn set_disabled(configuration: &Configuration, username: &str, disabled: bool) -> Result<(), Failure> {
    let opened = Opened::open(configuration).await?;
    let user = opened.directory.set_disabled(username, disabled).await.map_err(Failure::new)?;
    let event = if disabled { "user.disabled" } else { "user.enabled" };
    opened.administrative(event, Some(&user.subject), &[("username", &user.username)]);
    let done = if disabled { "disabled; their sessions have ended" } else { "enabled" };
    say(format!("{} is {done}", plain(&user.username)));
    Ok(())
}
