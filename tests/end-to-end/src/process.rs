//! Programs that tests start.
use std::fs::{self, File};
use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to start.
const START: Duration = Duration::from_secs(60);

/// A running program; stopped when dropped, and when the test process ends in whatever way.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command. What it prints goes to the file `log`.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start(name: &str, command: &Command, log: &Path) -> Self {
        let output = File::create(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let errors = output.try_clone().unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let mut bound = bound_to_parent(command);
        bound.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = spawn(bound).unwrap_or_else(|error| panic!("{name} can't be started: {error}"));
        Self { name: name.into(), child, log: log.into() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the program has printed.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until the port answers.
    ///
    /// # Panics
    /// When the program ends before, or takes longer than a minute: with what it printed.
    pub fn wait_for_port(&mut self, port: u16) {
        self.wait_until(&format!("port {port}"), || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// Waits until the condition holds.
    ///
    /// # Panics
    /// As [`Process::wait_for_port`].
    pub fn wait_until(&mut self, what: &str, condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended with {status} before {what}:\n{}", self.name, self.log());
            }
            assert!(begun.elapsed() < START, "{}: no {what} after {START:?}:\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and ends it after three seconds.
    pub fn stop(&mut self) {
        if !self.is_running() {
            return;
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        for _ in 0..150 {
            if !self.is_running() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of the loopback interface at which connections are refused for as long as this process runs:
/// it is taken, and nobody listens.
///
/// # Panics
/// When there is none.
pub fn refusing_port() -> u16 {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    // Closed with the process.
    mem::forget(socket);
    port
}

/// A port of the loopback interface that nobody listens on, and that nobody else takes: see `postern-loopback`.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    postern_loopback::free_port().expect("a free port")
}

/// The same command, ended by the kernel when the thread that started it ends: by SIGTERM, so that
/// a master (nginx, Apache) takes its workers along.
fn bound_to_parent(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    bound
}

type Order = (Command, Sender<io::Result<Child>>);

/// Starts it from a thread that lives as long as the process: the kernel's signal on the parent's
/// death is sent when the parent *thread* ends, and a test's thread ends with the test.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, queue) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in queue {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, child) = channel();
    spawner.send((command, answer)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}
