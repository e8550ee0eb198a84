//! The swap: one Commit that shows the new generation, refused if the old one has anything the new one has not.

use bytes::Bytes;

use crate::{
    commit::{attempt::Tried, core::Core},
    ports::{
        broker::Partition,
        store::{DocWrite, Guard},
    },
    projection::rebuild::{
        build::{Build, Halt, tried},
        fill::cursors,
    },
    records::{
        cursor::cursor_key,
        generation::{shown_body, shown_key, table},
        queue::Queue,
        rebuild::{Ended, State},
        todo::Todo,
        todo_id::TodoId,
    },
};

impl Build {
    /// Shows this generation, unless the one shown is ahead of it somewhere; whether it did.
    ///
    /// The Commit guards every cursor of the old generation as it was compared: from the comparison to the swap it
    /// stood still, so whatever a reader was shown before, it is shown after.
    pub(crate) async fn try_swap(&mut self) -> Result<bool, Halt> {
        self.settle().await?;
        let core = self.core.clone();
        let (old, shown) = core.shown(self.model.root()).await.map_err(Halt::Store)?;
        let mut commit = self.commit()?;
        commit.guards.push(shown);
        match self.behind(&table(self.model.root(), old)).await? {
            Some(guards) => commit.guards.extend(guards),
            None => return Ok(false),
        }
        let Some(filling) = &self.state.filling else { return Err(Halt::Lost) };
        let generation = filling.generation;
        let took = core.env.wall_ms() - filling.started_ms;
        let ended = Ended::Shown { generation, events: filling.done, took_ms: took.max(0).unsigned_abs() };
        let mut after = self.state.clone();
        after.end(ended);
        after.drop.push(old);
        let put = Some(shown_body(generation));
        commit.docs.push(DocWrite { key: shown_key(self.model.root()), put });
        commit.docs.push(DocWrite { key: State::key(self.model.root()), put: Some(after.body()) });
        let id = commit.id;
        core.env.step("rebuild.swap");
        match core.attempt_documents(commit).await {
            Ok(Tried::Overtaken(_)) => Ok(false),
            other => {
                tried(other)?;
                self.state = after;
                self.revision = Some(id);
                Ok(true)
            }
        }
    }

    /// Guards that hold the generation shown where it is, if it is nowhere ahead of this one.
    async fn behind(&mut self, old: &str) -> Result<Option<Vec<Guard>>, Halt> {
        let partitions: Vec<Partition> = self.cursors.keys().cloned().collect();
        let mut guards = Vec::new();
        for (partition, (cursor, revision)) in partitions.iter().zip(cursors(&self.core, old, &partitions).await?) {
            if cursor.map_or(0, |cursor| cursor.offset) > self.cursors[partition] {
                return Ok(None);
            }
            guards.push(Guard::Doc(cursor_key(old, partition), revision));
        }
        guards.extend(self.same_queues(old).await?);
        Ok(Some(guards))
    }

    /// A fact that could not be folded now must be one that the generation shown could not fold either: else
    /// somebody would be shown less than before.
    async fn same_queues(&mut self, old: &str) -> Result<Vec<Guard>, Halt> {
        let (core, own) = (self.core.clone(), self.table.clone());
        let mut guards = Vec::new();
        for (key, todo) in &self.queues {
            let id = TodoId::queue(old, key);
            let doc = core.store.docs(vec![Todo::key(&id)]).await.map_err(Halt::Store)?.pop().flatten();
            let theirs = doc.as_ref().and_then(|doc| Todo::decode(&doc.data).ok());
            let first = first_of(&core, todo, &TodoId::queue(&own, key)).await?;
            let known = match (&first, theirs.as_ref().and_then(Todo::queue)) {
                (Some(first), Some(theirs)) => has(&core, theirs, &id, first).await?,
                _ => false,
            };
            if !known {
                let why = todo.error.as_deref().unwrap_or("it could not be folded");
                return Err(Halt::Hopeless(format!("a fact of {key} that is shown now could not be folded: {why}")));
            }
            guards.push(Guard::Doc(Todo::key(&id), doc.map(|doc| doc.revision)));
        }
        Ok(guards)
    }
}

/// The oldest fact of a queue.
async fn first_of(core: &Core, todo: &Todo, id: &TodoId) -> Result<Option<Bytes>, Halt> {
    let Some(queue) = todo.queue() else { return Ok(None) };
    let Some(key) = queue.front_key(id) else { return Ok(queue.front_within()) };
    let doc = core.store.docs(vec![key]).await.map_err(Halt::Store)?.pop().flatten();
    Ok(doc.map(|doc| doc.data))
}

/// Whether a fact is in a queue.
async fn has(core: &Core, queue: &Queue, id: &TodoId, fact: &Bytes) -> Result<bool, Halt> {
    /// Facts may be of a megabyte each, and so many fit into memory beside the rest of a swap.
    const AT_ONCE: usize = 16;
    let (mut within, apart) = queue.all(id);
    if within.any(|known| known.as_bytes() == &fact[..]) {
        return Ok(true);
    }
    let apart: Vec<_> = apart.collect();
    for some in apart.chunks(AT_ONCE) {
        let docs = core.store.docs(some.to_vec()).await.map_err(Halt::Store)?;
        if docs.iter().flatten().any(|doc| doc.data == *fact) {
            return Ok(true);
        }
    }
    Ok(false)
}
