//! Threads that hash passwords, so that nobody else waits for them.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use callbox_domain::{Clock, Random, Secret};
use callbox_wire::{ApiError, ErrorCode};
use futures_channel::oneshot;
use zeroize::Zeroizing;

use super::{check_password, hash};
use crate::ServiceResult;

/// A fixed number of threads and a queue before them. More than the queue holds, and whatever waits in it for too long, is
/// answered [`ErrorCode::Overloaded`] without hashing: a flood of sign-ins costs the server those threads and nothing else.
pub struct HashPool {
    /// `None` only while the pool is being dropped, which ends the threads.
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
    calls: Arc<AtomicU64>,
}

/// What a thread of the pool does next, whole: it sees for itself whether anyone still waits.
type Job = Box<dyn FnOnce() + Send>;

impl HashPool {
    /// Starts the threads. How many hashes run beside each other is also how much memory they take: 19 MiB each.
    pub fn new(threads: NonZeroUsize, clock: Arc<dyn Clock>) -> Self {
        let (queue, jobs) = sync_channel::<Job>(HASHES_QUEUED_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let start = |number| {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || {
                    step_back();
                    work_off(&jobs);
                })
                .expect("a process that cannot start a thread cannot run a server")
        };
        let threads = (0..threads.get()).map(start).collect();
        Self { queue: Some(queue), threads, clock, calls: Arc::default() }
    }

    /// Half of the cores, so that hashing leaves the other half to everyone who is signed in.
    pub fn default_threads() -> NonZeroUsize {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
    }

    /// Whether this is the password of a stored PHC string. `None` stands for a user without one: it costs the same, and is
    /// never right.
    pub async fn verify(&self, password: Secret<String>, phc: Option<String>) -> ServiceResult<bool> {
        let password = Zeroizing::new(password.into_exposed());
        self.run(move || {
            let opens = hash::verify(&password, phc.as_deref().unwrap_or(hash::dummy()));
            opens && phc.is_some()
        })
        .await
    }

    /// The PHC string of a password, with a new salt.
    pub async fn hash(&self, password: Secret<String>, random: &dyn Random) -> ServiceResult<String> {
        let password = Zeroizing::new(password.into_exposed());
        let salt = hash::new_salt(random);
        self.run(move || hash::hash_with_salt(&password, &salt)).await
    }

    /// As [`HashPool::hash`], for a password that a user has just chosen: first the [rules](check_password), with the user's
    /// identities.
    pub async fn hash_chosen(
        &self,
        password: Secret<String>,
        identities: Vec<String>,
        random: &dyn Random,
    ) -> ServiceResult<String> {
        let password = Zeroizing::new(password.into_exposed());
        let salt = hash::new_salt(random);
        let chosen = self.run(move || {
            let identities: Vec<&str> = identities.iter().map(String::as_str).collect();
            check_password(&password, &identities)?;
            Ok(hash::hash_with_salt(&password, &salt))
        });
        chosen.await.flatten()
    }

    /// How many times a thread was busy for a password: to verify one, or to make the hash of one. Tests count by it instead
    /// of by time.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, hashing: impl FnOnce() -> T + Send + 'static) -> ServiceResult<T> {
        let answer = self.submit(hashing)?;
        // A sender that is gone is a job that panicked.
        answer.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
    }

    fn submit<T: Send + 'static>(
        &self,
        hashing: impl FnOnce() -> T + Send + 'static,
    ) -> ServiceResult<oneshot::Receiver<ServiceResult<T>>> {
        let (sender, answer) = oneshot::channel();
        let (clock, calls) = (Arc::clone(&self.clock), Arc::clone(&self.calls));
        let queued_at = clock.elapsed();
        let job = Box::new(move || {
            metrics::gauge!("callbox_password_hashes_queued").decrement(1);
            if sender.is_canceled() {
                return;
            }
            if clock.elapsed().saturating_sub(queued_at) > QUEUE_TIME_MAX {
                let _ = sender.send(Err(overloaded()));
                return;
            }
            calls.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("callbox_password_hashes_total").increment(1);
            let _ = sender.send(Ok(hashing()));
        });
        metrics::gauge!("callbox_password_hashes_queued").increment(1);
        let queue = self.queue.as_ref().expect("there until the pool is dropped");
        queue.try_send(job).map_err(|refused| {
            metrics::gauge!("callbox_password_hashes_queued").decrement(1);
            match refused {
                TrySendError::Full(_) => overloaded(),
                TrySendError::Disconnected(_) => ErrorCode::Internal.into(),
            }
        })?;
        Ok(answer)
    }
}

/// Lets every other thread of the server go first: a message must not wait for someone's password. On Linux a priority is
/// that of the calling thread; elsewhere it would be that of the whole process, and stays as it is.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the password threads keep their priority");
    }
}

/// Of -20 to 19, where 19 gets the least.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 19;

impl Drop for HashPool {
    /// Ends the threads and waits for them: for at most one hash each, because nobody waits for what is still queued.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work_off(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // One thread waits with the lock in its hand, the others for the lock. It is free again before the work begins.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

fn overloaded() -> ApiError {
    metrics::counter!("callbox_password_hashes_refused_total").increment(1);
    ApiError::new(ErrorCode::Overloaded).detail("retryAfterSeconds", QUEUE_TIME_MAX.as_secs())
}

/// So many hashes wait; with two threads that is more than a second of work.
const HASHES_QUEUED_MAX: usize = 64;

/// Nobody waits longer than this for the hashing to begin: the person has tried again by then.
const QUEUE_TIME_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures_executor::block_on;

    use super::*;
    use crate::testing::{ManualClock, SeededRandom, code};

    fn pool(threads: usize) -> (HashPool, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        (HashPool::new(NonZeroUsize::new(threads).expect("some"), clock.clone()), clock)
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    /// Work that goes on until it is released, and has begun when this returns.
    fn occupy(pool: &HashPool) -> (SyncSender<()>, oneshot::Receiver<ServiceResult<()>>) {
        let (begun, has_begun) = sync_channel(1);
        let (release, released) = sync_channel(1);
        let done = pool.submit(move || {
            begun.send(()).expect("the test waits");
            released.recv().expect("the test releases");
        });
        has_begun.recv().expect("a thread takes it");
        (release, done.expect("room in the queue"))
    }

    #[test]
    fn a_hash_verifies_and_every_check_costs_one_call() {
        let (pool, _) = pool(2);
        let phc = block_on(pool.hash(secret("correct horse"), &SeededRandom::new(1))).expect("hashed");
        assert_eq!(pool.calls(), 1);
        for (password, phc, opens) in [
            ("correct horse", Some(phc.clone()), true),
            ("wrong horse", Some(phc), false),
            ("correct horse", None, false),
        ] {
            let before = pool.calls();
            assert_eq!(block_on(pool.verify(secret(password), phc)), Ok(opens));
            assert_eq!(pool.calls() - before, 1);
        }
    }

    #[test]
    fn a_chosen_password_is_held_to_the_rules_before_it_is_hashed() {
        let (pool, _) = pool(1);
        let choose = |password| {
            let identities = vec!["annika@example.com".to_owned()];
            block_on(pool.hash_chosen(secret(password), identities, &SeededRandom::new(1)))
        };
        assert_eq!(code(choose("annika@example.com")), ErrorCode::PasswordWeak);
        let phc = choose("purple tractor parade").expect("a good one");
        assert!(hash::verify("purple tractor parade", &phc));
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let (pool, _) = pool(1);
        let (release, running) = occupy(&pool);
        let waiting: Vec<_> = (0..HASHES_QUEUED_MAX).map(|n| pool.submit(move || n).expect("room")).collect();
        let refused = pool.submit(|| 0).expect_err("no room");
        assert_eq!((refused.code, refused.retry_after_seconds()), (ErrorCode::Overloaded, Some(2)));
        assert_eq!(code(block_on(pool.verify(secret("any"), None))), ErrorCode::Overloaded);
        release.send(()).expect("it waits");
        assert_eq!(block_on(running), Ok(Ok(())));
        for (n, answer) in waiting.into_iter().enumerate() {
            assert_eq!(block_on(answer), Ok(Ok(n)), "in order, and none lost");
        }
        assert_eq!(block_on(pool.run(|| "room again")), Ok("room again"));
    }

    #[test]
    fn whoever_waited_too_long_is_answered_without_hashing() {
        let (pool, clock) = pool(1);
        let (release, running) = occupy(&pool);
        let late = pool.submit(|| "late").expect("room");
        clock.advance(Duration::from_millis(1));
        let in_time = pool.submit(|| "in time").expect("room");
        clock.advance(QUEUE_TIME_MAX);
        release.send(()).expect("it waits");
        let answer = block_on(late).expect("an answer");
        assert_eq!(code(answer), ErrorCode::Overloaded);
        assert_eq!(block_on(in_time), Ok(Ok("in time")));
        assert_eq!(block_on(running), Ok(Ok(())));
        assert_eq!(pool.calls(), 2, "all but the late one");
    }

    #[test]
    fn nothing_is_hashed_for_someone_who_has_left() {
        let (pool, _) = pool(1);
        let (release, _running) = occupy(&pool);
        drop(pool.submit(|| panic!("never runs")).map(|_: oneshot::Receiver<ServiceResult<()>>| ()));
        release.send(()).expect("it waits");
        assert_eq!(block_on(pool.run(|| 1)), Ok(1));
        assert_eq!(pool.calls(), 2);
    }

    #[test]
    fn a_panic_costs_one_answer_and_no_thread() {
        let (pool, _) = pool(1);
        assert_eq!(code(block_on(pool.run(|| panic!("as if argon2 had a bug")))), ErrorCode::Internal);
        assert_eq!(block_on(pool.run(|| 1)), Ok(1));
    }

    #[test]
    fn as_many_run_at_once_as_there_are_threads() {
        let (pool, _) = pool(2);
        let releases: Vec<(SyncSender<()>, _)> = vec![occupy(&pool), occupy(&pool)];
        for (release, running) in releases {
            release.send(()).expect("it waits");
            assert_eq!(block_on(running), Ok(Ok(())));
        }
    }

    #[test]
    fn the_threads_end_with_the_pool() {
        /// Says that the thread it belongs to has ended.
        struct Witness(SyncSender<()>);
        impl Drop for Witness {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        thread_local! {
            static WITNESS: RefCell<Option<Witness>> = const { RefCell::new(None) };
        }
        let (pool, _) = pool(1);
        let (ended, has_ended) = sync_channel(1);
        block_on(pool.run(move || WITNESS.set(Some(Witness(ended))))).expect("run");
        assert!(has_ended.try_recv().is_err(), "it waits for more");
        drop(pool);
        assert_eq!(has_ended.try_recv(), Ok(()));
    }
}
