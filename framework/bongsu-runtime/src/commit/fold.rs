//! From events to states: a whole stream, the part after a snapshot, or the part up to a moment of the past.

use std::{any::Any, sync::Arc};

use bongsu_core::StreamRef;

use crate::{
    commit::{
        cache::{CachedStream, State, heavier},
        core::Core,
        fail::Fail,
        snapshots::{Loaded, SHORT},
        wanted::Taken,
    },
    ports::store::{CommitId, Read, StoredEvent},
    records::message::say_read,
};

/// A state and how it came about.
pub(crate) struct Folded {
    pub(crate) version: u64,
    pub(crate) state: Box<dyn Any + Send + Sync>,
    /// Version of the snapshot it began with; 0 = none. What is between was read event by event.
    pub(crate) from: u64,
    /// Who wrote the last event; `None` before the first.
    commit: Option<CommitId>,
    /// What the state weighs, estimated.
    bytes: usize,
}

/// Events read at once: a page of the store.
const PAGE: u32 = 1_000;

impl Folded {
    /// How many events were read to know the state.
    pub(crate) fn events(&self) -> u64 {
        self.version - self.from
    }

    /// What a snapshot of it holds; `None` when nothing was read after the one it began with.
    pub(crate) fn taken(self) -> Option<Taken> {
        let commit = self.commit.filter(|_| self.events() > 0)?;
        Some(Taken { version: self.version, commit, state: Arc::from(self.state) })
    }

    fn empty(target: &StreamRef) -> Self {
        Self { version: 0, state: (target.folder.empty)(), from: 0, commit: None, bytes: 0 }
    }

    fn apply(&mut self, target: &StreamRef, event: &StoredEvent) -> Result<(), Fail> {
        say_read(&event.name, event.schema);
        (target.folder.apply)(self.state.as_mut(), &event.name, event.schema, &event.data)
            .map_err(|error| Fail::unread(&format!("{}@{}", event.stream, event.version), &error))?;
        self.version = event.version;
        self.commit = Some(event.commit);
        self.bytes = heavier(self.bytes, event.data.len());
        Ok(())
    }
}

impl From<Folded> for CachedStream {
    fn from(folded: Folded) -> Self {
        let Folded { version, commit, bytes, .. } = folded;
        Self { version, commit, state: State::from(folded.state), bytes, reading: 0 }
    }
}

impl Core {
    /// A stream's state: believed if cached, else as it is committed.
    pub(crate) async fn state_of(&self, target: &StreamRef) -> Result<CachedStream, Fail> {
        if let Some(found) = self.cache().stream(&target.stream).cloned() {
            return Ok(found);
        }
        let found = self.committed(target).await?;
        Ok(self.cache().found(&target.stream, found))
    }

    /// A stream's state as it is committed: the last one confirmed, and what came after it. The store is always
    /// asked, so nothing another instance committed is missing, and nothing that is only queued is in it.
    pub(crate) async fn committed(&self, target: &StreamRef) -> Result<CachedStream, Fail> {
        if let Some(found) = self.difference(target).await? {
            return Ok(found);
        }
        let turn = self.folding.turn(&target.stream).await;
        // Whoever had the turn before has left what it found.
        if let Some(found) = self.difference(target).await? {
            return Ok(found);
        }
        let found = CachedStream::from(self.fold(target).await?);
        self.cache().confirm(&target.stream, &found);
        drop(turn);
        Ok(found)
    }

    /// What came after the last confirmed state; `None` when there is none, when the store does not bear it out (it was
    /// restored), or when so much came that a snapshot may be nearer.
    async fn difference(&self, target: &StreamRef) -> Result<Option<CachedStream>, Fail> {
        let Some(known) = self.cache().confirmed(&target.stream) else { return Ok(None) };
        let page = self.page(target, known.version.saturating_sub(1)).await?;
        let last = page.first().map(|event| (event.version, Some(event.commit)));
        if known.version > 0 && last != Some((known.version, known.commit)) {
            self.cache().forget_stream(&target.stream);
            return Ok(None);
        }
        if page.last().is_none_or(|event| event.version <= known.version) {
            return Ok(Some(known));
        }
        if page.len() == PAGE as usize && self.rule_of(&target.stream).is_some() {
            self.cache().forget_stream(&target.stream);
            return Ok(None);
        }
        let state = (target.folder.copy)(known.state.as_ref());
        let (version, commit, bytes) = (known.version, known.commit, known.bytes);
        let mut folded = Folded { version, state, from: version, commit, bytes };
        self.fold_pages(target, &mut folded, page, &|_| true).await?;
        self.ask_after_a_long_way(target, &folded);
        let found = CachedStream::from(folded);
        self.cache().confirm(&target.stream, &found);
        Ok(Some(found))
    }

    /// Folds a stream from the store, committed events only, beginning at its snapshot if there is one.
    pub(crate) async fn fold(&self, target: &StreamRef) -> Result<Folded, Fail> {
        let folded = self.fold_up_to(target, u64::MAX).await?;
        self.ask_after_a_long_way(target, &folded);
        Ok(folded)
    }

    /// The state at a version of the past, or at the end if that comes first: what is confirmed if that is it, else
    /// folded in turn with others who look back.
    pub(crate) async fn past_of(&self, target: &StreamRef, last: u64) -> Result<Folded, Fail> {
        let confirmed = self.cache().confirmed(&target.stream).filter(|known| known.version == last);
        if let Some(CachedStream { version, commit, state, bytes, .. }) = confirmed {
            let state = (target.folder.copy)(state.as_ref());
            return Ok(Folded { version, state, from: version, commit, bytes });
        }
        let _place = self.past.acquire().await;
        self.fold_up_to(target, last).await
    }

    /// Folds a stream up to a version, or to its end if that comes first.
    pub(crate) async fn fold_up_to(&self, target: &StreamRef, last: u64) -> Result<Folded, Fail> {
        let goes_on = |event: &StoredEvent| event.version <= last;
        let Some(rule) = self.rule_of(&target.stream) else { return self.fold_while(target, &goes_on).await };
        if !rule.is_asked_for() {
            // Most streams are short, and for them looking for a snapshot is the longer way.
            let first = self.store.read(Read::Stream { stream: target.stream.clone(), after: 0 }, SHORT).await;
            let first = first.map_err(Fail::Store)?;
            if first.len() < SHORT as usize {
                let mut folded = Folded::empty(target);
                self.fold_pages(target, &mut folded, first, &goes_on).await?;
                return Ok(folded);
            }
        }
        let snapshot = self.snapshot(rule, &target.stream).await.map_err(Fail::Store)?;
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.version <= last)
            && let Some(folded) = self.fold_after(target, snapshot, &goes_on).await?
        {
            return Ok(folded);
        }
        self.fold_while(target, &goes_on).await
    }

    /// Folds a stream from its first event on, for as long as `goes_on` says.
    pub(crate) async fn fold_while(
        &self,
        target: &StreamRef,
        goes_on: &(dyn Fn(&StoredEvent) -> bool + Send + Sync),
    ) -> Result<Folded, Fail> {
        let mut folded = Folded::empty(target);
        let first = self.page(target, 0).await?;
        self.fold_pages(target, &mut folded, first, goes_on).await?;
        Ok(folded)
    }

    /// Folds what comes after a snapshot. The event it was taken after is read as well, in the same page: a
    /// snapshot that the stream does not bear out is discarded, and `None` says so.
    async fn fold_after(
        &self,
        target: &StreamRef,
        snapshot: Loaded,
        goes_on: &(dyn Fn(&StoredEvent) -> bool + Send + Sync),
    ) -> Result<Option<Folded>, Fail> {
        let page = self.page(target, snapshot.version.saturating_sub(1)).await?;
        if !snapshot.fits(page.first()) {
            self.contradicted(&target.stream, &snapshot).await.map_err(Fail::Store)?;
            return Ok(None);
        }
        let commit = page.first().map(|event| event.commit);
        let Loaded { version, state, bytes, .. } = snapshot;
        let mut folded = Folded { version, state, from: version, commit, bytes };
        self.fold_pages(target, &mut folded, page, goes_on).await?;
        Ok(Some(folded))
    }

    async fn fold_pages(
        &self,
        target: &StreamRef,
        folded: &mut Folded,
        mut page: Vec<StoredEvent>,
        goes_on: &(dyn Fn(&StoredEvent) -> bool + Send + Sync),
    ) -> Result<(), Fail> {
        loop {
            let from = folded.from;
            for event in page.iter().filter(|event| event.version > from) {
                if !goes_on(event) {
                    return Ok(());
                }
                folded.apply(target, event)?;
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
            page = self.page(target, folded.version).await?;
        }
    }

    async fn page(&self, target: &StreamRef, after: u64) -> Result<Vec<StoredEvent>, Fail> {
        self.store.read(Read::Stream { stream: target.stream.clone(), after }, PAGE).await.map_err(Fail::Store)
    }

    /// Whoever had a long way asks for a snapshot, so that the next one has not: also after one was discarded.
    fn ask_after_a_long_way(&self, target: &StreamRef, folded: &Folded) {
        let every = self.rule_of(&target.stream).map_or(0, |rule| rule.every);
        if every > 0
            && folded.events() >= every
            && let Some(commit) = folded.commit
        {
            let state = State::from((target.folder.copy)(folded.state.as_ref()));
            self.wanted.ask(&target.stream, Taken { version: folded.version, commit, state });
        }
    }
}
