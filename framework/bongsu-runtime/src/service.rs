//! The map of a context: every arrow in or out is one line.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use bongsu_core::{Aggregate, Decider, Decision, Folder, Policy, Process, Projection, Public, Wire, type_of};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    activity::{Activity, Job, JobOf},
    consumer::{Consumer, PolicyConsumer, ProcessConsumer, ProjectionConsumer},
    rebuild::{ReadModel, ReadModelOf},
    saga::{Instance, Saga, SagaOf},
    snapshot::{Rule, Snapshots},
    target::{DeciderTarget, DecisionTarget, Target},
};

/// Maps an event of one aggregate to the fact the others hear, if any: (id, name, schema, data, state after it).
pub(crate) type Mapper = Box<dyn Fn(&str, &str, u32, &[u8], &(dyn Any + Send + Sync)) -> Option<Public> + Send + Sync>;

/// What one context decides, hears and tells.
///
/// The same value runs in a test, in the simulator and in a process; adapters are not part of it.
///
/// # Panics
/// The builder panics on a map that contradicts itself (a command with two owners, a fact that its reader
/// cannot decode): a programming error found at start.
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) targets: Vec<Box<dyn Target>>,
    pub(crate) owners: BTreeMap<&'static str, usize>,
    pub(crate) mappers: BTreeMap<&'static str, Mapper>,
    pub(crate) sagas: Vec<Arc<dyn Saga>>,
    pub(crate) consumers: Vec<Arc<dyn Consumer>>,
    pub(crate) jobs: Vec<Arc<dyn Job>>,
    pub(crate) snapshots: BTreeMap<&'static str, Rule>,
    /// Seconds the clocks are ahead of UTC at whose midnight snapshots are taken.
    pub(crate) midnight: Option<i32>,
    pub(crate) read_models: Vec<Arc<dyn ReadModel>>,
}

impl Service {
    /// A context without arrows yet. The name is its topic, its source, and the first part of its facts' names.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            targets: Vec::new(),
            owners: BTreeMap::new(),
            mappers: BTreeMap::new(),
            sagas: Vec::new(),
            consumers: Vec::new(),
            jobs: Vec::new(),
            snapshots: BTreeMap::new(),
            midnight: None,
            read_models: Vec::new(),
        }
    }

    /// The context's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// An aggregate that takes commands, and what it tells the others. After every 500 events of a stream its state is
    /// snapshot; [`snapshots`](Self::snapshots) says otherwise.
    #[must_use]
    pub fn decider<D>(self, decider: D, facts: fn(&str, &D::Event, &D::State) -> Option<Public>) -> Self
    where
        D: Decider + Send + Sync + 'static,
        D::Command: Send,
        D::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.facts::<D>(facts).target(DeciderTarget(decider))
    }

    /// The same without snapshots: for a state that cannot be written down, or need not be because its streams end
    /// early. Every event of a stream is read when it is not remembered.
    #[must_use]
    pub fn decider_without_snapshots<D>(
        self,
        decider: D,
        facts: fn(&str, &D::Event, &D::State) -> Option<Public>,
    ) -> Self
    where
        D: Decider + Send + Sync + 'static,
        D::Command: Send,
        D::State: Clone + Send + Sync + 'static,
    {
        self.facts_without_snapshots::<D>(facts).target(DeciderTarget(decider))
    }

    /// A rule over several aggregates. What they tell is declared by [`facts`](Self::facts).
    #[must_use]
    pub fn decision<D>(self, decision: D) -> Self
    where
        D: Decision + Send + Sync + 'static,
        D::Command: Send + Sync,
    {
        self.target(DecisionTarget(decision))
    }

    /// What an aggregate tells the others, mapped when the Commit is built from the event and the state after it. Its
    /// states are snapshot, as those of a [`decider`](Self::decider).
    #[must_use]
    pub fn facts<A>(mut self, facts: fn(&str, &A::Event, &A::State) -> Option<Public>) -> Self
    where
        A: Aggregate + 'static,
        A::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let by_default = || Rule::by_default::<A::State>(Folder::of::<A>());
        self.snapshots.entry(A::NAME).or_insert_with(by_default);
        self.facts_without_snapshots::<A>(facts)
    }

    /// The same without snapshots.
    #[must_use]
    pub fn facts_without_snapshots<A>(mut self, facts: fn(&str, &A::Event, &A::State) -> Option<Public>) -> Self
    where
        A: Aggregate + 'static,
        A::State: 'static,
    {
        let mapper: Mapper = Box::new(move |id, name, schema, data, state| {
            let event = A::Event::decode(name, schema, data).ok().flatten()?;
            facts(id, &event, state.downcast_ref()?)
        });
        assert!(self.mappers.insert(A::NAME, mapper).is_none(), "{} is mapped to facts twice", A::NAME);
        self
    }

    /// A stateless reaction to facts.
    #[must_use]
    pub fn policy<P>(mut self, policy: P, heard: &[&'static str]) -> Self
    where
        P: Policy + Send + Sync + 'static,
        P::Fact: Send + Sync,
        P::Command: Send + Sync,
    {
        check::<P::Fact>(P::NAME, heard, true);
        self.consumers.push(Arc::new(PolicyConsumer::new(policy, heard)));
        self
    }

    /// A process: `heard` are the facts of other contexts; the other names of `P::Heard` are own private
    /// events, heard inside the Commit that appends them.
    #[must_use]
    pub fn process<P>(mut self, process: P, heard: &[&'static str]) -> Self
    where
        P: Process + Send + Sync + 'static,
        P::Heard: Send + Sync,
        P::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        P::Command: Send + Sync,
    {
        let by_default = || Rule::by_default::<Instance<P::State>>(SagaOf::<P>::folder());
        self.snapshots.entry(P::NAME).or_insert_with(by_default);
        self.process_without_snapshots(process, heard)
    }

    /// The same without snapshots: every input of an instance is read when it is not remembered.
    #[must_use]
    pub fn process_without_snapshots<P>(mut self, process: P, heard: &[&'static str]) -> Self
    where
        P: Process + Send + Sync + 'static,
        P::Heard: Send + Sync,
        P::State: Clone + Send + Sync + 'static,
        P::Command: Send + Sync,
    {
        check::<P::Heard>(P::NAME, heard, false);
        let saga: Arc<dyn Saga> = Arc::new(SagaOf::new(process, heard));
        self.sagas.push(saga.clone());
        self.consumers.push(Arc::new(ProcessConsumer::new(saga, heard)));
        self
    }

    /// A read model over facts (of other contexts or of this one).
    #[must_use]
    pub fn projection<P>(mut self, heard: &[&'static str]) -> Self
    where
        P: Projection + Send + Sync + 'static,
        P::Event: Send + Sync,
        P::Row: Send + Sync,
    {
        check::<P::Event>(P::NAME, heard, true);
        self.consumers.push(Arc::new(ProjectionConsumer::<P>::new(heard)));
        self.read_models.push(Arc::new(ReadModelOf::<P>::new(heard)));
        self
    }

    /// Work with I/O, triggered by an own private event.
    #[must_use]
    pub fn activity<A: Activity + 'static>(mut self, activity: A) -> Self
    where
        A::Event: Send,
        A::Command: Send + Sync,
    {
        self.jobs.push(Arc::new(JobOf(activity)));
        self
    }

    /// Keeps snapshots of an aggregate's states at a rhythm of its own and under a schema its author keeps, so that a new
    /// build goes on with those of the one before. Without it, they are kept after every 500 events and used by the build
    /// that wrote them.
    #[must_use]
    pub fn snapshots<A: Aggregate>(mut self, how: Snapshots) -> Self
    where
        A::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let before = self.snapshots.insert(A::NAME, Rule::of::<A>(how));
        assert!(!before.is_some_and(|rule| rule.is_asked_for()), "{} is snapshot twice", A::NAME);
        self
    }

    /// Takes a snapshot, at every midnight by the wall clock, of each stream that changed since the last one and
    /// has [`snapshots`](Self::snapshots). Midnight is where clocks are ahead of UTC by so many seconds, all
    /// year round: Asia/Seoul is 32 400.
    #[must_use]
    pub fn snapshots_at_midnight(mut self, utc_offset_s: i32) -> Self {
        self.midnight = Some(utc_offset_s);
        self
    }

    /// Every fact this context hears, with who in it hears it: the arrows in.
    pub fn hears(&self) -> Vec<(String, &str)> {
        let heard = |consumer: &Arc<dyn Consumer>| consumer.heard().to_vec();
        let arrows =
            self.consumers.iter().flat_map(|consumer| heard(consumer).into_iter().map(|fact| (fact, consumer.name())));
        arrows.map(|(fact, name)| (fact.to_owned(), name)).collect()
    }

    /// The topics its consumers read.
    pub(crate) fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.consumers.iter().flat_map(|consumer| consumer.topics()).collect();
        topics.push(self.name.to_owned());
        topics.sort();
        topics.dedup();
        topics
    }

    fn target(mut self, target: impl Target + 'static) -> Self {
        for (name, _) in target.names() {
            assert!(self.owners.insert(name, self.targets.len()).is_none(), "command {name} has two owners");
        }
        self.targets.push(Box::new(target));
        self
    }
}

/// What is listed as heard must be decodable, and (unless own events are meant) what is decodable must be listed.
fn check<W: Wire>(reader: &str, heard: &[&'static str], all: bool) {
    let known: Vec<String> = W::names().iter().map(|(name, schema)| type_of(name, *schema)).collect();
    for fact in heard {
        assert!(known.iter().any(|name| name == fact), "{reader} hears {fact} but reads only {known:?}");
    }
    if all {
        for name in &known {
            assert!(heard.contains(&name.as_str()), "{reader} reads {name} but does not list it as heard");
        }
    }
}
