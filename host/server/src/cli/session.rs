//! `postern session …`

use clap::Subcommand;

use super::output::{Failure, plain, say, table};
use crate::audit::rfc3339;
use crate::compose::Opened;
use crate::config::Configuration;

#[derive(Subcommand)]
pub(super) enum Session {
    /// List who is signed in.
    List,
    /// End a session, or all of a person.
    #[command(after_help = "\
Examples:
  postern session end Jx0n2m8QeZ4T6y1Wc9uKVg
  postern session end --user alice")]
    End {
        /// The session, as `postern session list` shows it.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        id: Option<String>,
        /// All sessions of this person.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

impl Session {
    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let opened = Opened::open(configuration).await?;
        match self {
            Self::List => list(&opened).await,
            Self::End { id: Some(id), .. } => {
                if !opened.installation.store.end_session(&id).await? {
                    return Err(Failure::new("there is no such session: see `postern session list`"));
                }
                opened.administrative("session.ended", None, &[("session", &id)]);
                say("ended");
                Ok(())
            }
            Self::End { id: None, user } => {
                let name = user.unwrap_or_default();
                let Some((user, _)) = opened.installation.store.user_by_name(&name).await? else {
                    return Err(Failure::new("there is no such person: see `postern user list`"));
                };
                let count = opened.installation.store.end_sessions_of(&user.subject).await?;
                opened.administrative("session.ended", Some(&user.subject), &[("count", &count.to_string())]);
                say(format!("ended {count}"));
                Ok(())
            }
        }
    }
}

async fn list(opened: &Opened) -> Result<(), Failure> {
    let installation = &opened.installation;
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = installation.store.list_sessions(installation.clock.now(), after.as_deref(), 500).await?;
        rows.extend(page.items.into_iter().map(|session| {
            vec![
                session.id,
                plain(&session.username),
                rfc3339(session.last_used_at),
                rfc3339(session.expires_at),
            ]
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    table(&["ID", "NAME", "LAST USED", "ENDS"], &rows);
    Ok(())
}
