//! A crash between any two calls: what was acknowledged is there whole, what was not is there whole or not at all, and
//! whoever comes next gets an honest answer to the same Commits.
//!
//! One life after the other uses a store and is killed at a place of its own: while it opens the store, between two
//! calls, with calls on their way, between two answers. After each, the store is compared with the memory model, read by
//! read. Start reading at [`Mortal`] and `World::survive`.

use std::{cell::RefCell, fmt, sync::Arc};

use bongsu_runtime::ports::{Fut, store::Store};
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use super::{
    agrees::{compare, same},
    factory::StoreFactory,
};
use bongsu_memory::MemoryStore;
use bongsu_sim::Dice;

mod life;
mod process;
mod script;
#[cfg(test)]
mod tests;

pub use process::{live_and_park, live_in};

use script::{Act, Script};

/// A store that outlives those who use it, each of whom is killed.
pub trait Mortal: Send + Sync {
    /// One user does what the [`Life`] says and is killed; everything it said before that.
    ///
    /// For a store in a file or behind a socket, use a process of its own: [`live_in`] and [`live_and_park`].
    fn live<'a>(&'a self, life: &'a Life) -> LocalBoxFuture<'a, Vec<Said>>;

    /// The store as whoever comes next finds it.
    fn look(&self) -> Fut<'_, Arc<dyn Store>>;
}

/// What one user of a store does until it is killed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Life {
    /// Chooses the script.
    seed: u64,
    /// What was done before, in order; what was done again is there again.
    history: Vec<Act>,
    /// The first Commit of the script that nobody has sent yet.
    next: usize,
    death: Death,
    /// So long after it was due the death comes, while calls are on their way.
    linger_us: u64,
}

/// Where a life ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Death {
    /// While the store is being opened.
    Opening,
    /// With a look of each kind on its way.
    Looking,
    /// With a table being dropped.
    Dropping(usize),
    /// With so many Commits called and none answered.
    Called(usize),
    /// With so many Commits called and so many answers heard.
    Answered { of: usize, heard: usize },
}

/// What a life says aloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// Something is about to be called.
    Calls(Act),
    /// The next of what was called was acknowledged.
    Heard,
    /// An answer or a look was not what the model answers.
    Wrong(String),
    /// The place to be killed at is reached.
    Dies,
}

/// Whoever uses it is dropped with whatever it has on its way: for stores that live in this process.
pub struct Dropped<F>(pub F);

impl<F: Fn() -> Arc<dyn Store> + Send + Sync> Mortal for Dropped<F> {
    fn live<'a>(&'a self, life: &'a Life) -> LocalBoxFuture<'a, Vec<Said>> {
        Box::pin(async move {
            let said = RefCell::new(Vec::new());
            life.run(&self.0, |word| said.borrow_mut().push(word), || {}).await;
            said.into_inner()
        })
    }

    fn look(&self) -> Fut<'_, Arc<dyn Store>> {
        Box::pin(std::future::ready((self.0)()))
    }
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survived {
    /// Lives that were killed.
    pub lives: u64,
    /// Calls whose answer was heard before.
    pub acknowledged: u64,
    /// Calls that were on their way.
    pub open: u64,
    /// Of these, those known to have been applied.
    pub kept: u64,
}

pub(super) async fn a_crash_between_any_two_calls_leaves_whole_commits(factory: &dyn StoreFactory) {
    let survived = survives_crashes(factory, 1).await;
    println!("{survived}");
    let Survived { lives, acknowledged, open, .. } = survived;
    assert!(lives > 30 && acknowledged > lives && open > lives, "hardly anything was tried: {survived}");
}

/// Kills users of fresh stores of the factory at every place there is, with the script of a seed.
///
/// # Panics
/// When a store forgot or halved a Commit, or is not honest about one that comes again.
pub async fn survives_crashes(factory: &dyn StoreFactory, seed: u64) -> Survived {
    let mut survived = Survived::default();
    for (round, deaths) in rounds().into_iter().enumerate() {
        let mortal = factory.mortal();
        let mut world = World::new(seed << 8 | round as u64);
        for death in deaths {
            world.survive(&*mortal, death, &mut survived).await;
        }
    }
    survived
}

/// Every place to die at, on so many stores that no history gets long.
fn rounds() -> Vec<Vec<Death>> {
    let answered = |of: usize, heard: Vec<usize>| heard.into_iter().map(move |heard| Death::Answered { of, heard });
    let mut rounds = vec![vec![Death::Opening; 4]];
    for of in 1..=5 {
        let others = [Death::Called(of), Death::Looking, Death::Dropping(of % 2)];
        rounds.push(others.into_iter().chain(answered(of, (1..=of).collect())).collect());
    }
    rounds.push(answered(40, vec![1, 3, 20]).collect());
    rounds
}

/// What is known of one store from outside.
struct World {
    seed: u64,
    script: Script,
    /// What the store must hold.
    truth: MemoryStore,
    history: Vec<Act>,
    next: usize,
    dice: Dice,
}

impl World {
    fn new(seed: u64) -> Self {
        let script = Script::new(seed);
        let dice = Dice::new(seed, "deaths");
        Self { seed, script, truth: MemoryStore::new(), history: Vec::new(), next: 0, dice }
    }

    async fn survive(&mut self, mortal: &dyn Mortal, death: Death, survived: &mut Survived) {
        let linger_us = if self.dice.coin() { self.dice.below(4_000) } else { 0 };
        let life = Life { seed: self.seed, history: self.history.clone(), next: self.next, death, linger_us };
        let said = mortal.live(&life).await;
        let (answered, open) = heard(&said, death, self.seed);
        for act in &answered {
            let _known = self.apply(*act).await;
        }
        let store = mortal.look().await;
        let kept = self.find(&store, &open).await.unwrap_or_else(|why| {
            panic!("seed {}: after a crash with {death:?} and {open:?} on their way\n{why}", self.seed)
        });
        for act in &open {
            let found = self.send(*act, &store).await;
            let expected = self.apply(*act).await;
            let again = same("again", act, found, expected);
            again.unwrap_or_else(|why| panic!("seed {}: after {death:?}, {why}", self.seed));
        }
        let whole = compare(&store, &self.truth).await;
        whole.unwrap_or_else(|why| panic!("seed {}: after {death:?} and all of it again, {why}", self.seed));
        survived.lives += 1;
        survived.acknowledged += answered.len() as u64;
        survived.open += open.len() as u64;
        survived.kept += kept as u64;
    }

    /// How many of the open calls the store has applied: in the order called, each whole or not at all.
    async fn find(&mut self, store: &Arc<dyn Store>, open: &[Act]) -> Result<usize, String> {
        let acknowledged = compare(store, &self.truth).await;
        let Err(without) = acknowledged else { return Ok(0) };
        for (kept, act) in open.iter().enumerate() {
            let _known = self.apply(*act).await;
            if compare(store, &self.truth).await.is_ok() {
                return Ok(kept + 1);
            }
        }
        let with = compare(store, &self.truth).await.err().unwrap_or_default();
        Err(format!("without any of them: {without}\nwith all of them: {with}"))
    }

    /// Does it to the model, and says what a store must answer.
    async fn apply(&mut self, act: Act) -> script::Outcome {
        self.history.push(act);
        if let Act::Send(number) = act {
            self.next = self.next.max(number + 1);
        }
        self.script.act(act, &self.truth).await
    }

    async fn send(&mut self, act: Act, store: &Arc<dyn Store>) -> script::Outcome {
        self.script.act(act, &**store).await
    }
}

/// What was answered and what was not.
fn heard(said: &[Said], death: Death, seed: u64) -> (Vec<Act>, Vec<Act>) {
    let wrong = said.iter().find_map(|word| if let Said::Wrong(why) = word { Some(why) } else { None });
    if let Some(why) = wrong {
        panic!("seed {seed}: on the way to {death:?}, {why}");
    }
    assert!(said.contains(&Said::Dies), "seed {seed}: it ended before {death:?}: {said:?}");
    let called = said.iter().filter_map(|word| if let Said::Calls(act) = word { Some(*act) } else { None });
    let mut answered: Vec<Act> = called.collect();
    let open = answered.split_off(said.iter().filter(|word| **word == Said::Heard).count());
    (answered, open)
}

impl fmt::Display for Survived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lives, acknowledged, open, kept } = self;
        write!(f, "{lives} lives, {acknowledged} calls acknowledged, {open} on their way, {kept} of them applied")
    }
}
