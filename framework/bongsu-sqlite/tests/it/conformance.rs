//! The rules every Store obeys, on a file of its own each.

use std::sync::Arc;

use bongsu_runtime::ports::{Fut, store::Store};
use bongsu_sqlite::{Options, SqliteStore};
use bongsu_testing::conformance::store::StoreFactory;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl StoreFactory for Files {
    fn open(&self, instances: usize) -> Fut<'_, Vec<Arc<dyn Store>>> {
        let folder = tempfile::tempdir_in(&self.0).unwrap().keep();
        let open = || SqliteStore::open(folder.join("store.db"), Options::default()).unwrap();
        Box::pin(std::future::ready((0..instances).map(|_| Arc::new(open()) as Arc<dyn Store>).collect()))
    }
}

bongsu_testing::store_conformance!(Files::new());
