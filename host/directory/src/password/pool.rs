//! Threads that compute password hashes, with a bounded queue.
//!
//! A hash takes some 20 ms of a core and 19 MiB. On threads of their own, with a bound on what
//! waits, a flood of sign-ins delays sign-ins and nothing else. Each thread keeps its memory from
//! hash to hash and gives it back once it was idle for a while.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use argon2::{Block, Params};
use postern_kernel::unavailable::Unavailable;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::cost::{PasswordSettings, SettingsError};
use super::hash::{SALT, StoredHash, make};

/// How long an idle thread keeps its memory.
const KEEP_MEMORY: Duration = Duration::from_secs(10);

pub(crate) struct PasswordPool {
    shared: Arc<Shared>,
    params: Params,
    capacity: usize,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    computed: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Task>,
    closed: bool,
}

/// What a thread does, and whom it tells.
enum Task {
    Compare { password: Secret, hash: Arc<StoredHash>, caller: oneshot::Sender<Outcome<bool>> },
    Make { password: Secret, salt: [u8; SALT], params: Params, caller: oneshot::Sender<Outcome<String>> },
}

type Secret = Zeroizing<Vec<u8>>;
type Outcome<T> = Result<T, argon2::Error>;

impl PasswordPool {
    pub(crate) fn start(settings: PasswordSettings) -> Result<Self, SettingsError> {
        let params = settings.cost.params()?;
        let threads = match settings.threads {
            Some(threads) => threads.get(),
            None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        let shared =
            Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new(), computed: AtomicU64::new(0) });
        let mut pool = Self { shared, params, capacity: settings.queue, threads: Vec::new() };
        for _ in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = std::thread::Builder::new().name("password".into()).spawn(move || shared.work());
            pool.threads.push(thread.map_err(SettingsError::Threads)?);
        }
        Ok(pool)
    }

    /// What new hashes are made with.
    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    /// Hashes computed so far.
    pub(crate) fn computed(&self) -> u64 {
        self.shared.computed.load(Ordering::Relaxed)
    }

    /// Whether the hash is the password's.
    pub(crate) async fn compare(&self, password: &str, hash: Arc<StoredHash>) -> Result<bool, Unavailable> {
        let (caller, outcome) = oneshot::channel();
        self.submit(Task::Compare { password: secret(password), hash, caller })?;
        finished(outcome.await)
    }

    /// The PHC string of a new password.
    pub(crate) async fn make(&self, password: &str, salt: [u8; SALT]) -> Result<String, Unavailable> {
        let (caller, outcome) = oneshot::channel();
        let params = self.params.clone();
        self.submit(Task::Make { password: secret(password), salt, params, caller })?;
        finished(outcome.await)
    }

    fn submit(&self, task: Task) -> Result<(), Unavailable> {
        let mut queue = self.shared.lock();
        if queue.waiting.len() >= self.capacity {
            return Err(Unavailable::new(
                "password-queue",
                format_args!("{} password hashes wait already", self.capacity),
            ));
        }
        queue.waiting.push_back(task);
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }
}

impl Drop for PasswordPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn secret(password: &str) -> Secret {
    Zeroizing::new(password.as_bytes().to_owned())
}

fn finished<T>(outcome: Result<Outcome<T>, oneshot::error::RecvError>) -> Result<T, Unavailable> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Unavailable::new("directory", error)),
        Err(_) => Err(Unavailable::new("directory", "the password hash was not computed")),
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut memory = Vec::new();
        while let Some(task) = self.next(&mut memory) {
            // A panic costs this one hash; its caller hears of it by the closed channel.
            if catch_unwind(AssertUnwindSafe(|| self.run(task, &mut memory))).is_err() {
                tracing::error!("a password hash panicked");
            }
        }
    }

    fn next(&self, memory: &mut Vec<Block>) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if let Some(task) = queue.waiting.pop_front() {
                return Some(task);
            }
            if queue.closed {
                return None;
            }
            let (guard, waited) =
                self.wake.wait_timeout(queue, KEEP_MEMORY).unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            if waited.timed_out() && memory.capacity() > 0 {
                drop(queue);
                *memory = Vec::new();
                queue = self.lock();
            }
        }
    }

    fn run(&self, task: Task, memory: &mut Vec<Block>) {
        match task {
            // Nobody waits any more: a flood of abandoned sign-ins costs nothing.
            Task::Compare { caller, .. } if caller.is_closed() => {}
            Task::Make { caller, .. } if caller.is_closed() => {}
            Task::Compare { password, hash, caller } => {
                let outcome = hash.is_of(&password, memory);
                self.computed.fetch_add(1, Ordering::Relaxed);
                let _ = caller.send(outcome);
            }
            Task::Make { password, salt, params, caller } => {
                let outcome = make(&params, &password, &salt, memory);
                self.computed.fetch_add(1, Ordering::Relaxed);
                let _ = caller.send(outcome);
            }
        }
    }
}
