//! What a life does: some calls in peace, a look at everything, then the calls it dies with.

use std::{ops::Range, sync::Arc, time::Duration};

use bongsu_memory::MemoryStore;
use bongsu_runtime::ports::store::{DocKey, Position, Read, Scan, Store};
use futures::{FutureExt as _, future::join5};

use super::{Act, Death, Life, Said, script::Script};
use crate::store::agrees::{TABLES, compare, same};

/// Commits that every life sends in peace first.
const CALM: usize = 3;

/// A life while it lives.
struct Living<'a, S> {
    script: Script,
    model: Arc<MemoryStore>,
    store: Arc<dyn Store>,
    say: &'a S,
}

impl Life {
    /// Lives, says what it does, and calls `die` where it is to be killed. Whoever kills it there may also let `die`
    /// return: the life then lets go of everything.
    pub(super) async fn run(&self, open: impl FnOnce() -> Arc<dyn Store>, say: impl Fn(Said), die: impl FnOnce()) {
        let mut script = Script::new(self.seed);
        let model = script.model(&self.history).await;
        if matches!(self.death, Death::Opening) {
            say(Said::Dies);
            let _opened = open();
            return die();
        }
        let mut living = Living { script, model, store: open(), say: &say };
        let doomed = self.next + CALM;
        living.send_and_hear(self.next..doomed, CALM, || {}).await;
        living.look().await;
        let die = || {
            say(Said::Dies);
            die();
        };
        match self.death {
            Death::Opening => {}
            Death::Looking => living.die_looking(die),
            Death::Dropping(table) => living.die_dropping(table, die),
            Death::Called(of) => living.send_and_hear(doomed..doomed + of, 0, die).await,
            Death::Answered { of, heard } => living.send_and_hear(doomed..doomed + of, heard, die).await,
        }
    }

    /// How long to wait between its last word and killing it.
    pub(super) fn linger(&self) -> Duration {
        Duration::from_micros(self.linger_us)
    }
}

impl<S: Fn(Said)> Living<'_, S> {
    /// Sends Commits without waiting, waits for so many answers, and then lets happen what is to happen while the
    /// others are on their way.
    async fn send_and_hear(&mut self, numbers: Range<usize>, hear: usize, then: impl FnOnce()) {
        let mut answers = Vec::new();
        for number in numbers {
            let commit = self.script.commit(number).await;
            let act = Act::Send(number);
            (self.say)(Said::Calls(act));
            answers.push((act, self.store.commit(commit)));
        }
        for (act, answer) in answers.iter_mut().take(hear) {
            let found = answer.await;
            (self.say)(Said::Heard);
            let expected = self.script.act(*act, &*self.model).await;
            self.expect(same("commit", act, found, expected));
        }
        then();
    }

    /// Reads everything.
    async fn look(&self) {
        self.expect(compare(&self.store, &self.model).await);
    }

    fn expect(&self, found: Result<(), String>) {
        if let Err(why) = found {
            (self.say)(Said::Wrong(why));
        }
    }

    fn die_looking(&self, die: impl FnOnce()) {
        let store = &self.store;
        let looks = join5(
            store.read(Read::Feed { after: Position(0) }, 10_000),
            store.docs(vec![DocKey::new(TABLES[0], "1")]),
            store.scan(Scan::table(TABLES[0], 10)),
            store.head(),
            store.changed(Position(u64::MAX)),
        );
        let mut looks = Box::pin(looks);
        let _not_yet = looks.as_mut().now_or_never();
        die();
    }

    fn die_dropping(&self, table: usize, die: impl FnOnce()) {
        (self.say)(Said::Calls(Act::Drop(table)));
        let mut dropping = self.store.drop_table(TABLES[table]);
        let _maybe = dropping.as_mut().now_or_never();
        die();
    }
}
