//! The Commits of a seed: both sides of a crash make the same, without telling each other.

use std::sync::Arc;

use bongsu_runtime::ports::store::{Commit, CommitId, DocKey, DocWrite, Guard, Store, StoreError, Verdict};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::{Deserialize, Serialize};

use super::super::agrees::{TABLES, plan};
use bongsu_memory::MemoryStore;
use bongsu_sim::Dice;

/// Something done to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// A Commit of the script, by its number.
    Send(usize),
    /// The table of this number is dropped.
    Drop(usize),
}

/// What a store answers to an [`Act`].
pub(super) type Outcome = Result<Verdict, StoreError>;

pub(super) struct Script {
    chance: TestRunner,
    /// Everything done once and in order: what each Commit is planned on.
    ideal: MemoryStore,
    made: Vec<Commit>,
}

impl Script {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "script");
        let bytes: Vec<u8> = (0..4).flat_map(|_| dice.bits().to_le_bytes()).collect();
        let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let chance = TestRunner::new_with_rng(Config::default(), chance);
        Self { chance, ideal: MemoryStore::new(), made: Vec::new() }
    }

    /// The Commit of a number, always the same. Most write something that no Commit writes twice, as commands do.
    pub(super) async fn commit(&mut self, number: usize) -> Commit {
        while self.made.len() <= number {
            let plan = plan().new_tree(&mut self.chance).expect("no strategy here filters").current();
            let number = self.made.len();
            let mut commit = plan.commit(CommitId(number as u128 + 1), &self.ideal).await;
            if !number.is_multiple_of(4) {
                let once = DocKey::new(ONCE, number.to_string());
                commit.guards.push(Guard::Doc(once.clone(), None));
                commit.docs.push(DocWrite { key: once, put: Some(Default::default()) });
            }
            // What the model refuses, the store must refuse as well.
            let _judged = self.ideal.commit(commit.clone()).await;
            self.made.push(commit);
        }
        self.made[number].clone()
    }

    /// Does it and waits for the answer.
    pub(super) async fn act(&mut self, act: Act, store: &dyn Store) -> Outcome {
        match act {
            Act::Send(number) => store.commit(self.commit(number).await).await,
            Act::Drop(table) => store.drop_table(TABLES[table]).await.map(|()| Verdict::Done),
        }
    }

    /// A model of a store to which this was done.
    pub(super) async fn model(&mut self, history: &[Act]) -> Arc<MemoryStore> {
        let model = Arc::new(MemoryStore::new());
        for act in history {
            // What was refused then is refused now.
            let _judged = self.act(*act, &*model).await;
        }
        model
    }
}

/// A table that [`compare`](super::super::agrees::compare) reads as well.
const ONCE: &str = TABLES[2];
