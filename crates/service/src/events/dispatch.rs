//! From the store's commits to the bus.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use callbox_bus::{Bus, Notice};
use callbox_domain::LoggedEvent;

/// A store's commit listener that publishes on `bus` from a thread of its own, so that the writer goes on with the next
/// batch meanwhile. When the bus falls far behind, the writer waits for it: order is kept and memory bounded.
///
/// The thread ends with the listener.
pub fn dispatcher(bus: Arc<dyn Bus>) -> Box<dyn Fn(Vec<LoggedEvent>) + Send + Sync> {
    let (sender, receiver) = sync_channel::<Vec<LoggedEvent>>(QUEUED_COMMITS_MAX);
    thread::Builder::new()
        .name("dispatcher".into())
        .spawn(move || {
            for events in receiver {
                bus.publish(Notice::Logged(events));
            }
        })
        .expect("the system starts threads");
    Box::new(move |events| {
        if !events.is_empty() {
            // Fails only when the dispatcher's thread has died of a panic; the log still has the events.
            let _ = sender.send(events);
        }
    })
}

/// Commits that wait for the bus.
const QUEUED_COMMITS_MAX: usize = 64;
