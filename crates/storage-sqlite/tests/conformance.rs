//! The store passes the suite of its port, in memory and in a file.

use std::sync::Arc;

use callbox_storage::{CommitListener, Store};
use callbox_storage_sqlite::SqliteStore;

mod in_memory {
    use super::*;

    callbox_storage::store_conformance!(make);

    fn make(listener: CommitListener) -> Arc<dyn Store> {
        SqliteStore::open_in_memory(listener).expect("a store")
    }
}

mod in_a_file {
    use callbox_storage::{ReadJob, StoreResult, Trouble, WriteJob};
    use callbox_storage_sqlite::SqliteOptions;
    use tempfile::TempDir;

    use super::*;

    callbox_storage::store_conformance!(make);

    fn make(listener: CommitListener) -> Arc<dyn Store> {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteOptions::file(folder.path().join("callbox.db"));
        let store = SqliteStore::open(options, listener).expect("a store");
        Arc::new(InFolder { store, _folder: folder })
    }

    /// A store whose folder goes when it goes.
    struct InFolder {
        store: Arc<SqliteStore>,
        _folder: TempDir,
    }

    impl Store for InFolder {
        fn submit_write(&self, job: Box<dyn WriteJob>) -> StoreResult<()> {
            self.store.submit_write(job)
        }

        fn submit_read(&self, job: Box<dyn ReadJob>) -> StoreResult<()> {
            self.store.submit_read(job)
        }

        fn health(&self) -> Result<(), Trouble> {
            self.store.health()
        }
    }
}
