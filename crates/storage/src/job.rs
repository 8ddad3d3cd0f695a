//! How closures travel to a store and answers travel back.

use std::time::Duration;

use futures_channel::oneshot;

use crate::{Read, StoreError, StoreResult, Tx};

/// A database, seen from above.
pub trait Store: Send + Sync + 'static {
    /// Queues a write. Fails at once with [`StoreError::Overloaded`] when the queue is full; a job that is refused
    /// here is dropped unsettled.
    fn submit_write(&self, job: Box<dyn WriteJob>) -> StoreResult<()>;

    /// Queues a read.
    fn submit_read(&self, job: Box<dyn ReadJob>) -> StoreResult<()>;

    /// What keeps the store from writing, if anything: the last commit failed, or the disk does not answer. For `/readyz`.
    /// Asking while writes fail makes the store try again by itself, so that a server without requests learns that its disk
    /// works.
    fn health(&self) -> Result<(), Trouble>;

    /// What the store has met and cannot mend, while the rest of it goes on: a part of the data that cannot be read.
    fn damage(&self) -> Option<Trouble> {
        None
    }
}

/// What is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// With which part of it.
    pub part: Part,
    /// For how long by now.
    pub lasts: Duration,
    /// What callers are told who need that part.
    pub error: StoreError,
}

/// A part of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Writing anything at all.
    Writes,
    /// Some of what is kept.
    Data,
}

/// Whether a closure's writes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The closure returned `Ok`: keep what it wrote.
    Keep,
    /// The closure returned `Err`: undo what it wrote.
    Undo,
}

/// One queued write, as the store sees it.
pub trait WriteJob: Send {
    /// Runs the closure inside the savepoint that the store has opened. Called at most once.
    fn run(&mut self, tx: &mut dyn Tx) -> Verdict;

    /// Answers the caller: `Ok` once the batch is synced, otherwise why nothing of this closure was written.
    fn settle(self: Box<Self>, committed: StoreResult<()>);
}

/// One queued read, as the store sees it. It answers its caller itself.
pub trait ReadJob: Send {
    /// Runs the closure on a reader, or tells the caller why there is none.
    fn run(self: Box<Self>, read: StoreResult<&dyn Read>);
}

/// Why a write did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure said no.
    #[error("{0}")]
    Refused(E),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl dyn Store {
    /// Runs `closure` as one atomic write and returns its answer once everything is synced to disk.
    ///
    /// `Err` of the closure undoes its own writes. Dropping the future does not cancel the write.
    pub async fn write<T, E>(
        &self,
        closure: impl FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.submit_write(Box::new(Writing { closure: Some(closure), answer: None, sender }))?;
        match receiver.await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(refusal))) => Err(WriteError::Refused(refusal)),
            Ok(Err(error)) => Err(WriteError::Store(error)),
            Err(oneshot::Canceled) => Err(WriteError::Store(StoreError::Closed)),
        }
    }

    /// Runs `closure` on the read pool.
    pub async fn read<T>(
        &self,
        closure: impl FnOnce(&dyn Read) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.submit_read(Box::new(Reading { closure, sender }))?;
        // A store runs every job that it took; one that ends without an answer has panicked.
        receiver.await.unwrap_or(Err(StoreError::Panicked))
    }
}

struct Writing<F, T, E> {
    closure: Option<F>,
    answer: Option<Result<T, E>>,
    sender: oneshot::Sender<StoreResult<Result<T, E>>>,
}

impl<F, T, E> WriteJob for Writing<F, T, E>
where
    F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> Verdict {
        let Some(closure) = self.closure.take() else { return Verdict::Undo };
        let answer = self.answer.insert(closure(tx));
        if answer.is_ok() { Verdict::Keep } else { Verdict::Undo }
    }

    fn settle(self: Box<Self>, committed: StoreResult<()>) {
        let answer = match (committed, self.answer) {
            // A refusal too: it may rest on what another closure of the batch wrote and has now lost.
            (Err(error), _) => Err(error),
            (Ok(()), Some(answer)) => Ok(answer),
            (Ok(()), None) => Err(StoreError::Panicked),
        };
        // The caller may have gone away; the write stands all the same.
        let _ = self.sender.send(answer);
    }
}

struct Reading<F, T> {
    closure: F,
    sender: oneshot::Sender<StoreResult<T>>,
}

impl<F, T> ReadJob for Reading<F, T>
where
    F: FnOnce(&dyn Read) -> StoreResult<T> + Send,
    T: Send,
{
    fn run(self: Box<Self>, read: StoreResult<&dyn Read>) {
        let _ = self.sender.send(read.and_then(self.closure));
    }
}
