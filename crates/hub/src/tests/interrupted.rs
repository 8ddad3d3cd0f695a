//! A store in the middle of whose jobs something else happens.

use std::sync::{Arc, Mutex};
use std::thread;

use callbox_storage::{Read, ReadJob, Store, StoreResult, Trouble, WriteJob};
use tokio::runtime::Builder;

/// Something that happens in the middle of a job.
type Interruption = Box<dyn FnOnce() + Send>;

/// Hands everything on, and lets one thing happen in the middle of a chosen job: before a write, and during a read, which
/// then sees things as they were before. It needs a store whose readers are not its writer, and so a file.
pub(super) struct InterruptedStore {
    inner: Arc<dyn Store>,
    /// After how many more jobs.
    next: Mutex<Option<(usize, Interruption)>>,
}

impl InterruptedStore {
    pub(super) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, next: Mutex::default() }
    }

    /// Lets something happen after so many more jobs.
    pub(super) fn interrupt(&self, after: usize, happens: impl FnOnce() + Send + 'static) {
        *self.next.lock().expect("not poisoned") = Some((after, Box::new(happens)));
    }

    /// Whether what was to happen did. Otherwise it no longer will.
    pub(super) fn was_interrupted(&self) -> bool {
        self.next.lock().expect("not poisoned").take().is_none()
    }

    /// Counts a job: what happens in its middle.
    fn count(&self) -> Option<Interruption> {
        let mut next = self.next.lock().expect("not poisoned");
        let (after, happens) = next.take()?;
        if after == 0 {
            return Some(happens);
        }
        *next = Some((after - 1, happens));
        None
    }
}

impl Store for InterruptedStore {
    fn submit_write(&self, job: Box<dyn WriteJob>) -> StoreResult<()> {
        if let Some(happens) = self.count() {
            happens();
        }
        self.inner.submit_write(job)
    }

    fn submit_read(&self, job: Box<dyn ReadJob>) -> StoreResult<()> {
        match self.count() {
            Some(happens) => self.inner.submit_read(Box::new(InterruptedRead { job, happens })),
            None => self.inner.submit_read(job),
        }
    }

    fn health(&self) -> Result<(), Trouble> {
        self.inner.health()
    }
}

struct InterruptedRead {
    job: Box<dyn ReadJob>,
    happens: Interruption,
}

impl ReadJob for InterruptedRead {
    fn run(self: Box<Self>, read: StoreResult<&dyn Read>) {
        if let Ok(read) = read {
            // The first look fixes the moment that a reader sees.
            read.apps().expect("a store that reads");
        }
        (self.happens)();
        self.job.run(read);
    }
}

/// Does something to its end on another thread, while this one waits in the middle of something else.
pub(super) fn elsewhere<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let working = thread::spawn(|| Builder::new_current_thread().build().expect("a runtime").block_on(work));
    working.join().expect("no panic")
}
