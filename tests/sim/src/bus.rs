//! A bus whose notices wait until the scheduler delivers or drops them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox_bus::{Bus, Listener, Notice};

/// From which node to which.
pub(crate) type Way = (usize, usize);

/// What is on its way between nodes. One way keeps its order; between two ways there is none.
#[derive(Default)]
pub(crate) struct Post(Mutex<State>);

#[derive(Default)]
struct State {
    listeners: BTreeMap<usize, Arc<Listener>>,
    ways: BTreeMap<Way, VecDeque<Notice>>,
}

impl Post {
    /// The ways on which something waits.
    pub(crate) fn waiting(&self) -> Vec<Way> {
        self.lock().ways.iter().filter(|(_, notices)| !notices.is_empty()).map(|(way, _)| *way).collect()
    }

    /// How many notices wait on a way.
    pub(crate) fn count(&self, way: Way) -> usize {
        self.lock().ways.get(&way).map_or(0, VecDeque::len)
    }

    /// Takes the next notice of a way, to be dropped or handed to [`Post::deliver`].
    pub(crate) fn take(&self, way: Way) -> Option<Notice> {
        self.lock().ways.get_mut(&way)?.pop_front()
    }

    /// Has a node hear a notice.
    pub(crate) fn deliver(&self, to: usize, notice: &Notice) {
        let listener = self.lock().listeners.get(&to).cloned();
        if let Some(listener) = listener {
            listener(notice);
        }
    }

    /// A node is gone: it hears nothing more, and of what it told only the first `kept` notices of each way arrive.
    pub(crate) fn forget(&self, node: usize, kept: usize) {
        let mut state = self.lock();
        state.listeners.remove(&node);
        for ((from, to), notices) in &mut state.ways {
            if *to == node {
                notices.clear();
            } else if *from == node {
                notices.truncate(kept);
            }
        }
    }

    fn publish(&self, from: usize, notice: &Notice) {
        let mut state = self.lock();
        let nodes: Vec<usize> = state.listeners.keys().copied().collect();
        for to in nodes {
            state.ways.entry((from, to)).or_default().push_back(notice.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One node's end of the bus.
pub(crate) struct NodeBus {
    pub(crate) node: usize,
    pub(crate) post: Arc<Post>,
}

impl Bus for NodeBus {
    fn publish(&self, notice: Notice) {
        self.post.publish(self.node, &notice);
    }

    fn subscribe(&self, listener: Listener) {
        self.post.lock().listeners.insert(self.node, Arc::new(listener));
    }
}
