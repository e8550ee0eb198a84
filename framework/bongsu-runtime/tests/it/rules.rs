//! Another configuration while a service runs.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bongsu_core::{Aggregate, Ctx, Decider, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{Outcome, Reply, Runtime, Service};
use bytes::Bytes;

use crate::world::Lab;

#[message("cup.fill", version = 1, key = cup)]
struct Fill {
    cup: String,
}

#[message("cup.filled", version = 1)]
struct Filled {
    millilitres: u64,
}

#[message("cup.never", version = 1)]
struct Never {}

/// Fills as much as it is set to.
struct Cups(u64);

impl Aggregate for Cups {
    const NAME: &'static str = "cup";
    type Event = Filled;
    type State = u64;

    fn evolve(filled: &mut u64, event: &Filled) {
        *filled += event.millilitres;
    }
}

impl Decider for Cups {
    type Command = Fill;
    type Rejection = Never;

    fn decide(&self, _: &u64, _: Fill, _: &Ctx) -> Result<Vec<Filled>, Never> {
        Ok(vec![Filled { millilitres: self.0 }, Filled { millilitres: self.0 }])
    }
}

fn shop(millilitres: u64) -> Service {
    Service::new("shop").decider(Cups(millilitres), |_, _, _| None)
}

async fn fill(lab: &Lab, runtime: &Runtime) -> Option<Arc<str>> {
    let reply = |_: Outcome<'_, Never>| Reply { status: 200, headers: Vec::new(), body: Bytes::new() };
    let fill = Fill { cup: "blue".into() };
    runtime.handle().execute::<Cups, _>(fill, &lab.call(None), reply).await.unwrap().revision
}

#[tokio::test(start_paused = true)]
async fn what_comes_is_decided_by_the_rules_that_count_and_says_by_which() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(shop(1), &store, "1");
    assert_eq!(fill(&lab, &runtime).await, None, "it has no configuration with a name");
    runtime.decide_by("two".into(), Some(shop(2))).unwrap();
    assert_eq!(fill(&lab, &runtime).await.as_deref(), Some("two"));
    runtime.decide_by("other".into(), None).unwrap();
    assert_eq!(fill(&lab, &runtime).await.as_deref(), Some("other"));
    let trail = runtime.handle().trail::<Cups>("blue", 0, 10).await.unwrap();
    let noted: Vec<_> = trail.iter().map(|entry| (entry.revision.as_deref(), &entry.data[..])).collect();
    let [one, two] = [&br#"{"millilitres":1}"#[..], br#"{"millilitres":2}"#];
    let two_of = |revision, data| [(revision, data), (revision, data)];
    assert_eq!(noted, [two_of(None, one), two_of(Some("two"), two), two_of(Some("other"), two)].concat());
}

#[test]
fn one_input_is_decided_under_one_configuration_however_often_it_is_exchanged() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (lab, store) = tokio.block_on(async { (Lab::new(0), MemoryStore::new()) });
    let runtime = tokio.block_on(async { lab.start(shop(1), &store, "1") });
    let is_over = AtomicBool::new(false);
    let (mut fills, mut named) = (0, HashSet::new());
    std::thread::scope(|scope| {
        // On a thread of its own, and so in the midst of everything.
        scope.spawn(|| {
            for number in 1_u64.. {
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                runtime.decide_by(number.to_string().into(), Some(shop(number))).unwrap();
            }
        });
        tokio.block_on(async {
            // A busy machine lets the other thread wait for longer than so many take.
            while fills < 500 || named.len() < 2 {
                named.insert(fill(&lab, &runtime).await);
                fills += 1;
                std::thread::yield_now();
            }
            is_over.store(true, Ordering::Release);
        });
    });
    let trail = tokio.block_on(runtime.handle().trail::<Cups>("blue", 0, 2 * fills)).unwrap();
    assert_eq!(trail.len() as u32, 2 * fills);
    for pair in trail.chunks(2) {
        let revision = pair[0].revision.clone();
        let millilitres = revision.clone().unwrap_or_else(|| "1".into());
        let data = format!("{{\"millilitres\":{millilitres}}}");
        assert!(pair.iter().all(|entry| entry.data == data && entry.revision == revision), "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rules_for_other_commands_are_refused_and_change_nothing() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(shop(1), &store, "1");
    for other in [Service::new("shop"), Service::new("other").decider(Cups(9), |_, _, _| None)] {
        let why = runtime.decide_by("nine".into(), Some(other)).unwrap_err().to_string();
        assert!(why.contains("shop runs with other commands"), "{why}");
    }
    assert_eq!(fill(&lab, &runtime).await, None);
}
