//! How far somebody is forgotten: for whoever asked for it and waits.

use crate::{
    commit::core::Core,
    ports::store::StoreError,
    records::{forgotten::forgotten, todo::Todo, todo_id::TodoId},
};

/// How far somebody is forgotten in one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgetting {
    /// The context hears of nobody who is forgotten: its map says that it keeps nothing about them.
    NothingKept,
    /// It has not heard of it yet.
    NotHeard,
    /// What it kept is deleted; its files are not rid of it yet.
    InFiles,
    /// Nothing is left.
    Done,
}

pub(crate) async fn of(core: &Core, whom: &str) -> Result<Forgetting, StoreError> {
    if !core.map.consumers.iter().any(|consumer| consumer.forgets()) {
        return Ok(Forgetting::NothingKept);
    }
    let found = core.store.docs(vec![forgotten(whom), Todo::key(&TodoId::scrub(whom))]).await?;
    let is_there = |at: usize| found.get(at).is_some_and(Option::is_some);
    Ok(match (is_there(0), is_there(1)) {
        (false, _) => Forgetting::NotHeard,
        (true, true) => Forgetting::InFiles,
        (true, false) => Forgetting::Done,
    })
}
