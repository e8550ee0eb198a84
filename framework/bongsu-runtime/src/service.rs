//! The map of a context: every arrow in or out is one line.

pub(crate) mod wiring;

use std::sync::Arc;

use bongsu_core::{Aggregate, Decider, Decision, Folder, Policy, Process, Projection, Public, Wire, type_of};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    command::handlers::{DeciderTarget, DecisionTarget},
    commit::{
        map::{Map, Mapper, Saga, Target},
        wanted::{Rule, Snapshots},
    },
    consume::policy::{PolicyConsumer, ProcessConsumer},
    process::instance::{Instance, SagaOf},
    projection::{consumer::ProjectionConsumer, rebuild::rows::ReadModelOf},
    records::generation::root_of,
    service::wiring::{Named, Wiring},
    todo::activity::{Activity, JobOf},
};

/// What one context decides, hears and tells.
///
/// The same value runs in a test, in the simulator and in a process; adapters are not part of it.
///
/// A map that contradicts itself (a command with two owners, a name given twice, a fact that its reader cannot decode)
/// is refused at start: see [`check`](Self::check).
pub struct Service {
    pub(crate) map: Map,
    pub(crate) wiring: Wiring,
}

impl Service {
    /// A context without arrows yet. The name is its topic, its source, and the first part of its facts' names.
    pub fn new(name: &'static str) -> Self {
        Self { map: Map::new(name), wiring: Wiring::default() }
    }

    /// The context's name.
    pub fn name(&self) -> &'static str {
        self.map.name
    }

    /// An aggregate that takes commands, and what it tells the others: see [`tells`](Self::tells). After every 500 events
    /// of a stream its state is snapshot; [`snapshots`](Self::snapshots) says otherwise.
    #[must_use]
    pub fn decider<D, R>(self, decider: D, facts: fn(&str, &D::Event, &D::State) -> R) -> Self
    where
        D: Decider + Send + Sync + 'static,
        D::Command: Send,
        D::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        R: IntoIterator<Item = Public> + 'static,
    {
        self.tells::<D, R>(facts).target(DeciderTarget(decider))
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
    pub fn decision<D>(mut self, decision: D) -> Self
    where
        D: Decision + Send + Sync + 'static,
        D::Command: Send + Sync,
    {
        self.wiring.name("decision", D::NAME);
        self.target(DecisionTarget(decision))
    }

    /// What an aggregate tells the others: [`tells`](Self::tells) with one fact per event, or none.
    #[must_use]
    pub fn facts<A>(self, facts: fn(&str, &A::Event, &A::State) -> Option<Public>) -> Self
    where
        A: Aggregate + 'static,
        A::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.tells::<A, Option<Public>>(facts)
    }

    /// The same without snapshots.
    #[must_use]
    pub fn facts_without_snapshots<A>(self, facts: fn(&str, &A::Event, &A::State) -> Option<Public>) -> Self
    where
        A: Aggregate + 'static,
        A::State: 'static,
    {
        self.mapped::<A, Option<Public>>(facts)
    }

    /// What an aggregate tells the others, mapped when the Commit is built from the event and the state after it. Its
    /// states are snapshot, as those of a [`decider`](Self::decider).
    ///
    /// Several facts of one event have its version as their sequence. Facts of one wire name are versions of one fact, the
    /// oldest first: whoever reads that name hears the first, so that builds of before and after a change hear the same
    /// event once each. Facts of different names are told apart. All of a stream have one partition key.
    #[must_use]
    pub fn tells<A, R>(mut self, facts: fn(&str, &A::Event, &A::State) -> R) -> Self
    where
        A: Aggregate + 'static,
        A::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        R: IntoIterator<Item = Public> + 'static,
    {
        let by_default = || Rule::by_default::<A::State>(Folder::of::<A>());
        self.map.snapshots.entry(A::NAME).or_insert_with(by_default);
        self.mapped::<A, R>(facts)
    }

    fn mapped<A, R>(mut self, facts: fn(&str, &A::Event, &A::State) -> R) -> Self
    where
        A: Aggregate + 'static,
        A::State: 'static,
        R: IntoIterator<Item = Public> + 'static,
    {
        let mapper: Mapper = Box::new(move |id, name, schema, data, state| {
            let event = A::Event::decode(name, schema, data).ok().flatten();
            let told = event.zip(state.downcast_ref()).map(|(event, state)| facts(id, &event, state));
            told.into_iter().flatten().collect()
        });
        self.map.mappers.insert(A::NAME, mapper);
        self.aggregate::<A>()
    }

    /// An aggregate that decisions or scripts change, and that tells nobody anything: so that processes and activities
    /// may listen to its events.
    #[must_use]
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.wiring.name("aggregate", A::NAME);
        self.wiring.appends.extend(A::Event::names());
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
        self.wiring.name("policy", P::NAME);
        self.wiring.hears(P::NAME, heard, &P::Fact::names(), true);
        self.wiring.sends.push((format!("the policy {}", P::NAME), P::Command::names()));
        self.map.consumers.push(Arc::new(PolicyConsumer::new(policy, heard)));
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
        self.map.snapshots.entry(P::NAME).or_insert_with(by_default);
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
        self.wiring.name("process", P::NAME);
        self.wiring.hears(P::NAME, heard, &P::Heard::names(), false);
        self.wiring.sends.push((format!("the process {}", P::NAME), P::Command::names()));
        let listed = |(name, schema): &Named| heard.contains(&type_of(name, *schema).as_str());
        let own = P::Heard::names().into_iter().filter(|named| !listed(named)).collect();
        self.wiring.listens.push((format!("the process {}", P::NAME), own));
        let saga: Arc<dyn Saga> = Arc::new(SagaOf::new(process, heard));
        self.map.sagas.push(saga.clone());
        self.map.consumers.push(Arc::new(ProcessConsumer::new(saga, heard)));
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
        self.wiring.name("projection", &root_of::<P>());
        self.wiring.hears(P::NAME, heard, &P::Event::names(), true);
        self.map.consumers.push(Arc::new(ProjectionConsumer::<P>::new(heard)));
        self.map.read_models.push(Arc::new(ReadModelOf::<P>::new(heard)));
        self
    }

    /// Work with I/O, triggered by an own private event.
    #[must_use]
    pub fn activity<A: Activity + 'static>(mut self, activity: A) -> Self
    where
        A::Event: Send,
        A::Command: Send + Sync,
    {
        self.wiring.name("activity", A::NAME);
        self.wiring.sends.push((format!("the activity {}", A::NAME), A::Command::names()));
        self.wiring.listens.push((format!("the activity {}", A::NAME), A::Event::names()));
        self.map.jobs.push(Arc::new(JobOf(activity)));
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
        if self.map.snapshots.insert(A::NAME, Rule::of::<A>(how)).is_some_and(|rule| rule.is_asked_for()) {
            self.wiring.wrong.push(format!("{} is given snapshots twice", A::NAME));
        }
        self
    }

    /// Takes a snapshot, at every midnight by the wall clock, of each stream that changed since the last one and
    /// has [`snapshots`](Self::snapshots). Midnight is where clocks are ahead of UTC by so many seconds, all
    /// year round: Asia/Seoul is 32 400.
    #[must_use]
    pub fn snapshots_at_midnight(mut self, utc_offset_s: i32) -> Self {
        self.map.midnight = Some(utc_offset_s);
        self
    }

    /// Every fact this context hears, with who in it hears it: the arrows in.
    pub fn hears(&self) -> Vec<(String, &str)> {
        self.map.hears()
    }

    fn target(mut self, target: impl Target + 'static) -> Self {
        for (name, _) in target.names() {
            if self.map.owners.insert(name, self.map.targets.len()).is_some() {
                self.wiring.wrong.push(format!("the command {name} has two owners"));
            }
        }
        self.map.targets.push(Box::new(target));
        self
    }
}
