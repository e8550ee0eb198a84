//! What is kept of rebuilds: one document per read model, rewritten by every Commit of a rebuild.

use serde::{Deserialize, Serialize};

use crate::{
    ports::{
        broker::{LogId, Partition},
        store::{CommitId, DocBody, DocKey, Store, StoreError},
    },
    records::{cursor::hex, unreadable::read},
};

/// What an operator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Fold everything anew and show that instead.
    Rebuild,
    /// Fold everything anew beside what is shown, compare, and throw it away.
    Check,
}

/// How the last rebuild or check of a read model ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The new generation is shown.
    Shown {
        /// Which.
        generation: u64,
        /// Facts and private events read.
        events: u64,
        /// How long it took, milliseconds.
        took_ms: u64,
    },
    /// Every row was compared.
    Checked {
        /// Keys in either table.
        rows: u64,
        /// Keys whose rows differ.
        different: u64,
        /// The first of them.
        first: Vec<String>,
    },
    /// Nothing was changed.
    Failed {
        /// Why.
        why: String,
    },
}

/// The document.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The newest generation made; the first is made by lanes.
    pub(crate) newest: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filling: Option<Filling>,
    /// Generations to be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) drop: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Ended>,
}

/// A generation that is being filled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Filling {
    pub(crate) generation: u64,
    pub(crate) purpose: Purpose,
    pub(crate) started_ms: i64,
    /// When the present owner began, and what was done by then: the rate is since.
    pub(crate) since_ms: i64,
    pub(crate) since_done: u64,
    /// When this was written.
    pub(crate) at_ms: i64,
    /// Events read, of the total noted at the beginning.
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// What there was at the beginning; `None` until it was noted.
    pub(crate) noted: Option<Noted>,
    /// How far this context's own events are read from its own store.
    pub(crate) position: u64,
}

/// What there was to read when a rebuild began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// History of the broker.
    #[serde(with = "hex")]
    pub(crate) log: LogId,
    /// (topic, partition, next offset).
    pub(crate) heads: Vec<(String, u32, u64)>,
    /// The head of the own store, read after the broker's: everything below its heads is below this.
    pub(crate) until: u64,
}

/// The table of these documents.
pub(crate) const REBUILD: &str = "rebuild";

impl State {
    pub(crate) fn key(root: &str) -> DocKey {
        DocKey::of(REBUILD, root)
    }

    /// The state of a read model, and its revision.
    pub(crate) async fn load(store: &dyn Store, root: &str) -> Result<(Self, Option<CommitId>), StoreError> {
        let Some(doc) = store.docs(vec![Self::key(root)]).await?.pop().flatten() else {
            return Ok((Self::default(), None));
        };
        Ok((read(&doc.key, &doc.data)?, Some(doc.revision)))
    }

    pub(crate) fn body(&self) -> DocBody {
        let data = serde_json::to_vec(self).expect("a rebuild's state has string keys and encodes as JSON");
        DocBody { data: data.into(), index: Vec::new() }
    }

    /// Whether there is work.
    pub(crate) fn is_idle(&self) -> bool {
        self.filling.is_none() && self.drop.is_empty()
    }

    /// Ends what is being filled, one way or the other.
    pub(crate) fn end(&mut self, ended: Ended) {
        if let Some(filling) = self.filling.take()
            && !matches!(ended, Ended::Shown { .. })
        {
            self.drop.push(filling.generation);
        }
        self.last = Some(ended);
    }
}

impl Noted {
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (Partition, u64)> + '_ {
        self.heads.iter().map(|(topic, index, end)| (Partition { topic: topic.clone(), index: *index }, *end))
    }
}
