//! A read model with its types hidden, folded many facts at a time: rows stay decoded in memory, and each that
//! changed is written once however many facts changed it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use bongsu_core::{DecodeError, Metadata, Projection, Wire as _};

use crate::{
    commit::map::{ReadModel, Rows, topics_of, types},
    ports::store::DocBody,
    projection::consumer::row_body,
    records::{
        generation::root_of,
        unreadable::{self, Unreadable},
    },
};

pub(crate) struct ReadModelOf<P> {
    root: String,
    heard: Vec<String>,
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
    waiting: VecDeque<(P::Event, Metadata, usize)>,
    /// Where the rows of the keys of waiting facts are kept.
    touched: VecDeque<usize>,
    bytes: usize,
}

struct Row<R> {
    key: Arc<str>,
    row: Option<R>,
    changed: bool,
    /// Whether the store was asked, or the row was folded here.
    known: bool,
    /// Its size, encoded.
    bytes: usize,
}

impl<P: Projection> ReadModelOf<P> {
    pub(crate) fn new() -> Self {
        let names = P::Event::names();
        Self { root: root_of::<P>(), heard: types(&names), names, fold: std::marker::PhantomData }
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
        topics_of(&self.heard)
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
            bytes: 0,
        }
    }
}

impl<P: Projection> RowsOf<P> {
    /// Where the row of a key is kept, known or not.
    fn slot(&mut self, key: &str) -> usize {
        if let Some(slot) = self.slots.get(key) {
            return *slot;
        }
        let slot = self.rows.len();
        let key = Arc::<str>::from(key);
        self.rows.push(Row { key: key.clone(), row: None, changed: false, known: false, bytes: 0 });
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
    fn hear(&mut self, name: &str, schema: u32, data: &[u8], metadata: Metadata) -> Result<(), DecodeError> {
        use bongsu_core::Wire as _;
        let unknown = || DecodeError::Unknown { name: name.to_owned(), schema };
        let event = P::Event::decode(name, schema, data)?.ok_or_else(unknown)?;
        let keys = P::keys(&event);
        self.waiting.push_back((event, metadata, keys.len()));
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

    fn learn(&mut self, key: String, row: Option<&[u8]>) -> Result<(), Unreadable> {
        let bytes = row.map_or(0, <[u8]>::len);
        let found = row.map(|row| unreadable::read(format!("row {key}"), row)).transpose()?;
        let slot = self.slot(&key);
        let row = &mut self.rows[slot];
        if !row.known {
            row.row = found;
            row.known = true;
            row.bytes = bytes;
            self.bytes += bytes;
        }
        Ok(())
    }

    fn fold(&mut self) {
        let Some((event, metadata, keys)) = self.waiting.pop_front() else { return };
        for slot in self.touched.drain(..keys) {
            let row = &mut self.rows[slot];
            row.row = P::fold(&row.key, row.row.take(), &event, &metadata);
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
        let rows = &mut self.rows;
        let bytes = &mut self.bytes;
        let slots = std::mem::take(&mut self.changed);
        let taken = slots.into_iter().map(|slot| {
            let row = &mut rows[slot];
            row.changed = false;
            let body = row.row.as_ref().map(|found| row_body::<P>(&row.key, found));
            let before = std::mem::replace(&mut row.bytes, body.as_ref().map_or(0, |body| body.data.len()));
            *bytes = *bytes - before + row.bytes;
            (row.key.to_string(), body)
        });
        taken.collect()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use bongsu_core::message;

    use super::*;

    #[message("talk.said", version = 1)]
    struct Said {
        who: String,
        what: String,
    }

    struct Last;

    impl Projection for Last {
        const NAME: &'static str = "last";
        const VERSION: u32 = 1;
        type Event = Said;
        type Row = String;

        fn keys(said: &Said) -> Vec<String> {
            vec![said.who.clone()]
        }

        fn fold(_: &str, _: Option<String>, said: &Said, _: &Metadata) -> Option<String> {
            (said.what != "forget me").then(|| said.what.clone())
        }
    }

    #[test]
    fn rows_are_weighed_as_they_are_read_and_written_and_weigh_nothing_once_forgotten() {
        let mut rows = RowsOf::<Last>::default();
        let say = |rows: &mut RowsOf<Last>, who: &str, what: &str| {
            let said = serde_json::to_vec(&Said { who: who.into(), what: what.into() }).expect("it encodes");
            rows.hear("talk.said", 1, &said, Metadata::default()).expect("it is read");
            rows.fold();
            rows.take_changed();
        };
        rows.learn("ann".into(), Some(br#""hello""#)).expect("it is a row");
        assert_eq!(rows.bytes(), 7);
        say(&mut rows, "ann", "bye");
        assert_eq!(rows.bytes(), 5, "the row of before is replaced");
        say(&mut rows, "bob", &"x".repeat(1_000));
        assert_eq!(rows.bytes(), 5 + 1_002);
        say(&mut rows, "bob", "forget me");
        assert_eq!((rows.bytes(), rows.len()), (5, 2));
        rows.forget();
        assert_eq!(rows.bytes(), 0);
    }
}
