//! The swap: one Commit that shows the new generation, refused if the old one has anything the new one has not.

use crate::{
    generation::{shown_body, shown_key, table},
    lane::cursor_key,
    planted,
    ports::{
        broker::Partition,
        store::{DocWrite, Guard},
    },
    rebuild::{
        build::{Build, Halt},
        fill::cursors,
        state::{Ended, State},
    },
    todo::{Todo, Work},
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
        if !planted::swap_early(&core) {
            match self.behind(&table(self.model.root(), old)).await? {
                Some(guards) => commit.guards.extend(guards),
                None => return Ok(false),
            }
        }
        let Some(filling) = &self.state.filling else { return Err(Halt::Lost) };
        let (generation, took) = (filling.generation, core.env.wall_ms() - filling.started_ms);
        let ended = Ended::Shown { generation, events: filling.done, took_ms: took.max(0).unsigned_abs() };
        let mut after = self.state.clone();
        after.end(ended);
        after.drop.push(old);
        let put = Some(shown_body(generation));
        commit.docs.push(DocWrite { key: shown_key(self.model.root()), put });
        commit.docs.push(DocWrite { key: State::key(self.model.root()), put: Some(after.body()) });
        let id = commit.id;
        core.env.step("rebuild.swap");
        match core.store.commit(commit).await {
            Ok(crate::ports::store::Verdict::Refused(mismatches)) => {
                core.leases.learn(&mismatches);
                Ok(false)
            }
            verdict => {
                crate::rebuild::build::judge(&core, verdict)?;
                (self.state, self.revision) = (after, Some(id));
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
        let keys = self.queues.keys().map(|key| Todo::key(&crate::lane::queue_id(old, key))).collect::<Vec<_>>();
        let docs = self.core.store.docs(keys.clone()).await.map_err(Halt::Store)?;
        let mut guards = Vec::new();
        for (((key, todo), id), doc) in self.queues.iter().zip(keys).zip(docs) {
            let theirs = doc.as_ref().and_then(|doc| Todo::decode(&doc.data).ok());
            let first = facts(todo).first();
            let known = theirs.as_ref().is_some_and(|theirs| {
                facts(theirs).iter().any(|fact| first.is_some_and(|first| first.get() == fact.get()))
            });
            if !known {
                let why = todo.error.as_deref().unwrap_or("it could not be folded");
                return Err(Halt::Hopeless(format!("a fact of {key} that is shown now could not be folded: {why}")));
            }
            guards.push(Guard::Doc(id, doc.map(|doc| doc.revision)));
        }
        Ok(guards)
    }
}

fn facts(todo: &Todo) -> &[Box<serde_json::value::RawValue>] {
    match &todo.work {
        Work::Facts { facts, .. } => facts,
        _ => &[],
    }
}
