//! A read model with its types hidden, folded many facts at a time: rows stay decoded in memory, and each that
//! changed is written once however many facts changed it.

use std::collections::{HashMap, HashSet};

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
    rows: HashMap<String, Row<P::Row>>,
    /// In the sequence in which they changed, so that a run can be replayed.
    changed: Vec<String>,
    waiting: std::collections::VecDeque<(P::Event, Vec<String>)>,
}

struct Row<R> {
    row: Option<R>,
    changed: bool,
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
        Box::new(RowsOf::<P> { rows: HashMap::new(), changed: Vec::new(), waiting: Default::default() })
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
        self.waiting.push_back((event, keys));
        Ok(())
    }

    fn missing(&self) -> Vec<String> {
        let mut asked = HashSet::new();
        let keys = self.waiting.iter().flat_map(|(_, keys)| keys);
        keys.filter(|key| !self.rows.contains_key(*key) && asked.insert(key.as_str())).cloned().collect()
    }

    fn learn(&mut self, key: String, row: Option<&[u8]>) -> Result<(), String> {
        let row = row.map(serde_json::from_slice).transpose().map_err(|error| format!("row {key}: {error}"))?;
        self.rows.entry(key).or_insert(Row { row, changed: false });
        Ok(())
    }

    fn fold(&mut self) {
        let Some((event, keys)) = self.waiting.pop_front() else { return };
        for key in keys {
            let before = self.rows.get_mut(&key).and_then(|row| row.row.take());
            let row = P::fold(&key, before, &event);
            match self.rows.get_mut(&key) {
                Some(known) => {
                    known.row = row;
                    if !std::mem::replace(&mut known.changed, true) {
                        self.changed.push(key);
                    }
                }
                None => {
                    self.changed.push(key.clone());
                    self.rows.insert(key, Row { row, changed: true });
                }
            }
        }
    }

    fn changed(&self) -> usize {
        self.changed.len()
    }

    fn take_changed(&mut self) -> Vec<(String, Option<DocBody>)> {
        let keys = std::mem::take(&mut self.changed);
        let mut taken = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            row.changed = false;
            let body = row.row.as_ref().map(|row| row_body::<P>(&key, row));
            taken.push((key, body));
        }
        taken
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn forget(&mut self) {
        self.rows.clear();
        self.changed.clear();
        self.waiting.clear();
    }
}
