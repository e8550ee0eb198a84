//! The rules every Store obeys, on a file of its own each.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bongsu_conformance::store::{
    StoreFactory,
    crash::{Life, Mortal, Said, live_and_park, live_in},
};
use bongsu_runtime::ports::{Fut, store::Store};
use bongsu_sqlite::{Options, SqliteStore};
use futures::future::LocalBoxFuture;

use crate::bench::{argument, this_binary};

struct Files(tempfile::TempDir);

/// One file, used by processes that are killed.
struct Killed(PathBuf);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn fresh(&self) -> PathBuf {
        tempfile::tempdir_in(&self.0).unwrap().keep().join("store.db")
    }
}

impl StoreFactory for Files {
    fn open(&self, instances: usize) -> Fut<'_, Vec<Arc<dyn Store>>> {
        let file = self.fresh();
        Box::pin(std::future::ready((0..instances).map(|_| open(&file)).collect()))
    }

    fn mortal(&self) -> Box<dyn Mortal> {
        Box::new(Killed(self.fresh()))
    }
}

impl Mortal for Killed {
    fn live<'a>(&'a self, life: &'a Life) -> LocalBoxFuture<'a, Vec<Said>> {
        let said = live_in(this_binary("conformance::a_life", &self.0), life);
        Box::pin(std::future::ready(said))
    }

    fn look(&self) -> Fut<'_, Arc<dyn Store>> {
        Box::pin(std::future::ready(open(&self.0)))
    }
}

fn open(file: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(file, Options::default()).unwrap())
}

bongsu_conformance::store_conformance!(Files::new());

#[test]
#[ignore = "the process that the rule about crashes starts and kills"]
fn a_life() {
    live_and_park(|| open(&argument()));
}
