//! Work of a server that has begun and waits for the database.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

/// Work under way; it goes on only when the scheduler says so.
pub(crate) struct Task<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    bell: Arc<Bell>,
}

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl<T> Task<T> {
    /// Work that has not begun.
    pub(crate) fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Box::pin(future), bell: Arc::new(Bell(AtomicBool::new(true))) }
    }

    /// Whether it can go on.
    pub(crate) fn is_ready(&self) -> bool {
        self.bell.0.load(Ordering::Acquire)
    }

    /// Goes on until it waits again; what came of it when it is done.
    pub(crate) fn go_on(&mut self) -> Option<T> {
        self.bell.0.store(false, Ordering::Release);
        let waker = Arc::clone(&self.bell).into();
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }
}
