//! The processes that a demo starts, and stops again by their process ids.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::interruption::Interruption;
use crate::command::cannot_start;
use crate::failure::Failure;
use crate::workspace::make_folder;

const PAUSE: Duration = Duration::from_millis(50);
/// How long a process may take to listen. Envoy compiles the filters in that time.
const TO_LISTEN: Duration = Duration::from_secs(90);
/// How long a process may take to stop before it is killed.
const TO_STOP: Duration = Duration::from_secs(5);

pub(crate) struct Processes<'i> {
    logs: PathBuf,
    interruption: &'i Interruption,
    running: Vec<Process>,
}

struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl<'i> Processes<'i> {
    pub(crate) fn new(logs: &Path, interruption: &'i Interruption) -> Result<Self, Failure> {
        make_folder(logs)?;
        Ok(Self { logs: logs.to_owned(), interruption, running: Vec::new() })
    }

    /// Starts a process that writes to a log of its own, and waits until it listens on the port.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        mut command: Command,
        port: u16,
    ) -> Result<(), Failure> {
        let log = self.logs.join(format!("{name}.log"));
        let create = || File::create(&log).map_err(|error| Failure::file("write", &log, &error));
        command
            .stdin(Stdio::null())
            .stdout(create()?)
            .stderr(
                File::options()
                    .append(true)
                    .open(&log)
                    .map_err(|error| Failure::file("write", &log, &error))?,
            )
            // A group of its own: Ctrl-C reaches xtask alone, which stops the others in order.
            .process_group(0);
        let child = command.spawn().map_err(|error| cannot_start(&command, &error))?;
        self.running.push(Process { name, child, log });
        self.wait_for(port)
    }

    fn wait_for(&mut self, port: u16) -> Result<(), Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let begun = Instant::now();
        while TcpStream::connect_timeout(&address, PAUSE).is_err() {
            self.interruption.check()?;
            self.all_alive()?;
            if begun.elapsed() > TO_LISTEN {
                let newest = self.running.last().map_or("it", |process| process.name);
                return Err(Failure::new(format!(
                    "{newest} does not listen on port {port} after {} s",
                    TO_LISTEN.as_secs()
                ))
                .remedy(format!("read the logs in {}", self.logs.display())));
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    /// Fails when a process ended that should run.
    fn all_alive(&mut self) -> Result<(), Failure> {
        for process in &mut self.running {
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(process.ended(&status.to_string()));
            }
        }
        Ok(())
    }

    /// Until Ctrl-C.
    pub(crate) fn wait_for_interruption(&mut self) -> Result<(), Failure> {
        while !self.interruption.noted() {
            self.all_alive()?;
            sleep(PAUSE);
        }
        Ok(())
    }
}

impl Process {
    fn ended(&self, status: &str) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(20);
        let tail = lines.get(last..).unwrap_or_default().join("\n    ");
        Failure::new(format!("{} ended with {status}:\n    {tail}", self.name))
            .remedy(format!("the whole log is {}", self.log.display()))
    }

    /// Asks politely, then not.
    fn stop(&mut self) {
        let Ok(None) = self.child.try_wait() else {
            return;
        };
        let _asked =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let begun = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if begun.elapsed() > TO_STOP {
                let _killed = self.child.kill();
                let _reaped = self.child.wait();
                return;
            }
            sleep(PAUSE);
        }
    }
}

impl Drop for Processes<'_> {
    fn drop(&mut self) {
        for process in self.running.iter_mut().rev() {
            process.stop();
        }
    }
}
