//! A read model with its types hidden, folded many facts at a time: rows stay decoded in memory, and each that
//! changed is written once however many facts changed it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use bongsu_core::Projection;

use crate::{consumer::row_body, generation::root_of, ports::store::DocBody};

/// A read model that can be folded anew.
pub(crate) trait ReadModel: Send + Sync {
    /// NAME@VERSION.
    fn root(&self) -> &str;
    /// NAME.
    fn name(&self) -> &'static str;
    /// VERSION.
    fn version(&self) -> u32;
    /// Where its facts come from.
    fn topics(&self) -> Vec<String>;
    /// Whether a wire name is declared, in whatever schema.
    fn reads(&self, name: &str) -> bool;
    /// An empty memory of its rows.
    fn rows(&self) -> Box<dyn Rows>;
}

/// Rows in memory, and facts that wait to be folded into them.
pub(crate) trait Rows: Send {
    /// Decodes a fact that is to be folded next.
    fn hear(&mut self, name: &str, schema: u32, data: &[u8]) -> Result<(), String>;
    /// Keys of waiting facts that are not in memory.
    fn missing(&self) -> Vec<String>;
    /// Takes a row from the store; `None`: there is none.
    fn learn(&mut self, key: String, row: Option<&[u8]>) -> Result<(), String>;
    /// Folds the oldest fact that waits. A panic of the fold leaves rows half changed: forget everything then.
    fn fold(&mut self);
    /// How many rows changed since they were last taken.
    fn changed(&self) -> usize;
    /// The rows that changed, encoded; they count as unchanged from here on.
    fn take_changed(&mut self) -> Vec<(String, Option<DocBody>)>;
    /// Rows in memory.
    fn len(&self) -> usize;
    /// Forgets rows and waiting facts.
    fn forget(&mut self);
}

pub(crate) struct ReadModelOf<P> {
    root: String,
    heard: Vec<&'static str>,
    names: Vec<(&'static str, u32)>,
    fold: std::marker::PhantomData<fn() -> P>,
}

struct RowsOf<P: Projection> {
    /// Where the row of a key is kept until rows are forgotten.
    slots: HashMap<Arc<str>, usize>,
    rows: Vec<Row<P::Row>>,
    /// In the sequence in which they changed, so that a run can be replayed.
    changed: Vec<usize>,
    /// Facts that wait, each with the number of its keys.
    waiting: VecDeque<(P::Event, usize)>,
    /// Where the rows of the keys of waiting facts are kept.
    touched: VecDeque<usize>,
}

struct Row<R> {
    key: Arc<str>,
    row: Option<R>,
    changed: bool,
    /// Whether the store was asked, or the row was folded here.
    known: bool,
}

impl<P: Projection> ReadModelOf<P> {
    pub(crate) fn new(heard: &[&'static str]) -> Self {
        use bongsu_core::Wire as _;
        Self { root: root_of::<P>(), heard: heard.to_vec(), names: P::Event::names(), fold: std::marker::PhantomData }
    }
}

impl<P> ReadModel for ReadModelOf<P>
where
    P: Projection + 'static,
    P::Event: Send,
    P::Row: Send,
{
    fn root(&self) -> &str {
        &self.root
    }

    fn name(&self) -> &'static str {
        P::NAME
    }

    fn version(&self) -> u32 {
        P::VERSION
    }

    fn topics(&self) -> Vec<String> {
        crate::consumer::topics_of(&self.heard)
    }

    fn reads(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| *known == name)
    }

    fn rows(&self) -> Box<dyn Rows> {
        Box::new(RowsOf::<P>::default())
    }
}

impl<P: Projection> Default for RowsOf<P> {
    fn default() -> Self {
        Self {
            slots: HashMap::new(),
            rows: Vec::new(),
            changed: Vec::new(),
            waiting: VecDeque::new(),
            touched: VecDeque::new(),
        }
    }
}

impl<P: Projection> RowsOf<P> {
    /// Where the row of a key is kept, known or not.
    fn slot(&mut self, key: &str) -> usize {
        if let Some(slot) = self.slots.get(key) {
            return *slot;
        }
        let (slot, key) = (self.rows.len(), Arc::<str>::from(key));
        self.rows.push(Row { key: key.clone(), row: None, changed: false, known: false });
        self.slots.insert(key, slot);
        slot
    }
}

impl<P> Rows for RowsOf<P>
where
    P: Projection,
    P::Event: Send,
    P::Row: Send,
{
    fn hear(&mut self, name: &str, schema: u32, data: &[u8]) -> Result<(), String> {
        use bongsu_core::Wire as _;
        let event = P::Event::decode(name, schema, data).map_err(|error| error.to_string())?;
        let event = event.ok_or_else(|| format!("{name} is not a name of its reader"))?;
        let keys = P::keys(&event);
        self.waiting.push_back((event, keys.len()));
        for key in keys {
            let slot = self.slot(&key);
            self.touched.push_back(slot);
        }
        Ok(())
    }

    fn missing(&self) -> Vec<String> {
        let slots: BTreeSet<usize> = self.touched.iter().copied().filter(|slot| !self.rows[*slot].known).collect();
        slots.into_iter().map(|slot| self.rows[slot].key.to_string()).collect()
    }

    fn learn(&mut self, key: String, row: Option<&[u8]>) -> Result<(), String> {
        let found = row.map(serde_json::from_slice).transpose().map_err(|error| format!("row {key}: {error}"))?;
        let slot = self.slot(&key);
        let row = &mut self.rows[slot];
        if !row.known {
            (row.row, row.known) = (found, true);
        }
        Ok(())
    }

    fn fold(&mut self) {
        let Some((event, keys)) = self.waiting.pop_front() else { return };
        for slot in self.touched.drain(..keys) {
            let row = &mut self.rows[slot];
            row.row = P::fold(&row.key, row.row.take(), &event);
            row.known = true;
            if !std::mem::replace(&mut row.changed, true) {
                self.changed.push(slot);
            }
        }
    }

    fn changed(&self) -> usize {
        self.changed.len()
    }

    fn take_changed(&mut self) -> Vec<(String, Option<DocBody>)> {
        let (rows, slots) = (&mut self.rows, std::mem::take(&mut self.changed));
        let taken = slots.into_iter().map(|slot| {
            let row = &mut rows[slot];
            row.changed = false;
            (row.key.to_string(), row.row.as_ref().map(|found| row_body::<P>(&row.key, found)))
        });
        taken.collect()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn forget(&mut self) {
        *self = Self::default();
    }
}
