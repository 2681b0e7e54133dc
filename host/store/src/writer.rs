//! Writing: one thread, with group commit.
//!
//! A commit costs a wait for the disk. While the thread waits, further writes queue; the next
//! transaction takes all of them. Each runs within a savepoint of its own, so that one that fails
//! undoes nothing of the others, and each caller hears of the outcome when it is on the disk.
//! A write that was queued happens, whether its caller still waits or not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use postern_kernel::unavailable::Unavailable;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Most writes in one transaction.
const BATCH: usize = 256;

/// Most writes that wait. Beyond it, the store is unavailable at once.
const QUEUE: usize = 4_096;

pub(crate) struct Writer {
    // `None` only while it is dropped.
    queue: Option<mpsc::Sender<Box<dyn Write>>>,
    thread: Option<JoinHandle<()>>,
}

/// A write, with what became of it.
trait Write: Send {
    /// Does it within a savepoint.
    fn run(&mut self, connection: &Connection);
    /// Tells its caller, once the transaction has ended.
    fn finish(self: Box<Self>, commit: Result<(), &str>);
}

struct Request<T, F> {
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    caller: oneshot::Sender<Result<T, Unavailable>>,
}

impl<T, F> Write for Request<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) {
        if let Some(work) = self.work.take() {
            self.result = Some(in_savepoint(connection, work));
        }
    }

    fn finish(self: Box<Self>, commit: Result<(), &str>) {
        let outcome = match (commit, self.result) {
            (Ok(()), Some(result)) => result.map_err(|error| Unavailable::new("store", error)),
            (Err(error), _) => Err(Unavailable::new("store", error)),
            (Ok(()), None) => Err(Unavailable::new("store", "the write did not run")),
        };
        // A caller that has gone away does not want to know.
        let _ = self.caller.send(outcome);
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT write")?.execute([])?;
    let result = work(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO write")?.execute([])?;
    }
    connection.prepare_cached("RELEASE write")?.execute([])?;
    result
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (queue, writes) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_all(connection, writes))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (caller, outcome) = oneshot::channel();
        let request = Box::new(Request { work: Some(work), result: None, caller });
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Unavailable::new("store", format_args!("{QUEUE} writes wait already"))
            }
            mpsc::error::TrySendError::Closed(_) => ended(),
        })?;
        outcome.await.map_err(|_| ended())?
    }

    /// Whether writes are taken.
    pub(crate) fn is_running(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.is_closed())
    }
}

impl Drop for Writer {
    /// Waits until what is queued is written.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ended() -> Unavailable {
    Unavailable::new("store", "the writing thread has ended")
}

fn write_all(connection: Connection, mut writes: mpsc::Receiver<Box<dyn Write>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = writes.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH {
            match writes.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        write_batch(&connection, &mut batch);
    }
}

fn write_batch(connection: &Connection, batch: &mut Vec<Box<dyn Write>>) {
    // A panic in one write rolls its batch back and ends neither the thread nor the store.
    let outcome = catch_unwind(AssertUnwindSafe(|| run_in_transaction(connection, batch)));
    let commit = match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err("a write panicked".to_owned()),
    };
    if let Err(error) = &commit {
        tracing::error!(%error, writes = batch.len(), "nothing written");
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    for write in batch.drain(..) {
        write.finish(commit.as_ref().copied().map_err(String::as_str));
    }
}

fn run_in_transaction(connection: &Connection, batch: &mut [Box<dyn Write>]) -> Result<(), String> {
    // IMMEDIATE takes the write lock now, with the busy timeout. A transaction that begins with a
    // read and then writes can fail in a way that no waiting cures.
    execute(connection, "BEGIN IMMEDIATE")?;
    for write in batch {
        write.run(connection);
        // Some errors (disk full, I/O) end the whole transaction: what would come now would be
        // written each on its own.
        if connection.is_autocommit() {
            return Err("an error ended the transaction".into());
        }
    }
    execute(connection, "COMMIT")
}

fn execute(connection: &Connection, sql: &str) -> Result<(), String> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| error.to_string())?;
    statement.execute([]).map_err(|error| error.to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (tempfile::TempDir, Writer, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY)").unwrap();
        let reader = Connection::open(&path).unwrap();
        (directory, Writer::start(writer).unwrap(), reader)
    }

    fn rows(reader: &Connection) -> Vec<i64> {
        let mut statement = reader.prepare("SELECT id FROM t ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn insert(connection: &Connection, id: i64) -> rusqlite::Result<usize> {
        connection.execute("INSERT INTO t (id) VALUES (?1)", [id])
    }

    #[tokio::test]
    async fn a_write_that_fails_undoes_itself_and_nothing_of_its_batch() {
        let (_directory, writer, reader) = writer();
        // Holds the thread until the others have queued.
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let first = writer.write(move |c| {
            let _ = held.recv();
            insert(c, 1)
        });
        let failing = writer.write(|c| {
            insert(c, 2)?;
            insert(c, 1)
        });
        let last = writer.write(|c| insert(c, 3));
        let release = async move {
            drop(hold);
        };
        let (first, failing, last, ()) = tokio::join!(first, failing, last, release);
        assert!(first.is_ok() && failing.is_err() && last.is_ok());
        assert_eq!(rows(&reader), [1, 3]);
    }

    #[tokio::test]
    async fn a_panic_costs_its_batch_and_the_next_write_works() {
        let (_directory, writer, reader) = writer();
        let panicked = writer.write(|_| -> rusqlite::Result<()> { panic!("meant to") }).await;
        assert!(panicked.is_err());
        writer.write(|c| insert(c, 1)).await.unwrap();
        assert!(writer.is_running());
        assert_eq!(rows(&reader), [1]);
    }

    #[tokio::test]
    async fn a_write_happens_though_its_caller_has_gone_away() {
        let (_directory, writer, reader) = writer();
        let mut abandoned = Box::pin(writer.write(|c| insert(c, 7)));
        // Polled once, so that it is queued, and dropped.
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::future::Future::poll(abandoned.as_mut(), context))
        });
        let _ = polled.await;
        drop(abandoned);
        drop(writer);
        assert_eq!(rows(&reader), [7]);
    }
}
