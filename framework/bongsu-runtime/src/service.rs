//! The map of a context: every arrow in or out is one line.

mod members;
pub(crate) mod vocabulary;
pub(crate) mod wiring;

use std::{collections::BTreeSet, sync::Arc};

use bongsu_core::{Aggregate, Ctx, Decider, Decision, Folder, Process, Projection, Public, Wire};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ask::asks::Asks,
    command::handlers::{DeciderHandler, DecisionHandler},
    commit::{
        map::{Clock, CommandHandler, Fire, Fired, Map, Mapper, ProcessHandler},
        schedule::{Firing, Missed, Schedule},
        wanted::{Rule, Snapshots},
    },
    consume::{
        forgets::ForgetsConsumer,
        policy::{PolicyConsumer, ProcessConsumer},
    },
    ports::store::DocKey,
    process::instance::{Instance, ProcessOf},
    projection::{consumer::ProjectionConsumer, rebuild::rows::ReadModelOf},
    records::{generation::root_of, message::Message},
    service::{
        vocabulary::{Kind, Vocabulary},
        wiring::{Named, Wiring},
    },
    todo::activity::{Activity, JobOf},
};

/// What one context decides, hears and tells.
///
/// The same value runs in a test, in the simulator and in a process; adapters are not part of it.
///
/// A map that contradicts itself (a command with two owners, a name given twice, an own event that nobody appends)
/// is refused at start: see [`check`](Self::check).
pub struct Service {
    pub(crate) map: Map,
    pub(crate) wiring: Wiring,
    vocabulary: Vocabulary,
}

/// The clock by which snapshots are taken.
const NIGHTLY: &str = "bongsu.nightly";

impl Service {
    /// A context without arrows yet. The name is its topic, its source, and the first part of its facts' names.
    pub fn new(name: &'static str) -> Self {
        Self { map: Map::new(name), wiring: Wiring::default(), vocabulary: Vocabulary::default() }
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
        self.tells::<D, R>(facts).asked::<D::Command, D::Rejection>().handler(DeciderHandler(decider))
    }

    /// The same without snapshots: for a state that cannot be written down, or need not be because its streams end
    /// early. Every event of a stream is read when it is not remembered.
    #[must_use]
    pub fn decider_without_snapshots<D, R>(self, decider: D, facts: fn(&str, &D::Event, &D::State) -> R) -> Self
    where
        D: Decider + Send + Sync + 'static,
        D::Command: Send,
        D::State: Clone + Send + Sync + 'static,
        R: IntoIterator<Item = Public> + 'static,
    {
        self.tells_without_snapshots::<D, R>(facts).asked::<D::Command, D::Rejection>().handler(DeciderHandler(decider))
    }

    /// A rule over several aggregates. What they tell is declared by [`tells`](Self::tells).
    #[must_use]
    pub fn decision<D>(mut self, decision: D) -> Self
    where
        D: Decision + Send + Sync + 'static,
        D::Command: Send + Sync,
    {
        self.wiring.name("decision", D::NAME);
        self.asked::<D::Command, D::Rejection>().handler(DecisionHandler(decision))
    }

    /// What an aggregate tells the others, mapped when the Commit is built from the event and the state after it: one fact,
    /// several or none (an `Option`, an array, a `Vec`). Its states are snapshot, as those of a [`decider`](Self::decider).
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
        self.tells_without_snapshots::<A, R>(facts)
    }

    /// The same without snapshots.
    #[must_use]
    pub fn tells_without_snapshots<A, R>(mut self, facts: fn(&str, &A::Event, &A::State) -> R) -> Self
    where
        A: Aggregate + 'static,
        A::State: 'static,
        R: IntoIterator<Item = Public> + 'static,
    {
        let mapper: Mapper = Box::new(move |id, event, state| {
            let event = event.decode::<A::Event>().ok();
            let told = event.zip(state.downcast_ref()).map(|(event, state)| facts(id, &event, state));
            told.into_iter().flatten().collect()
        });
        self.map.mappers.insert(A::NAME, mapper);
        self.vocabulary.tells::<A, R>(facts);
        self.aggregate::<A>()
    }

    /// An aggregate that decisions or scripts change, and that tells nobody anything: so that processes and activities
    /// may listen to its events.
    #[must_use]
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.wiring.name("aggregate", A::NAME);
        self.wiring.appends.extend(A::Event::names());
        self.vocabulary.add::<A::Event>(Kind::Event, A::NAME, |_| true);
        self
    }

    /// "Whenever this fact, then these commands": most of what a context does when it hears another. What it hears and
    /// what it asks for are its types.
    ///
    /// The commands are decided in the same Commit that remembers the fact as handled. A rejected command is an answer, not
    /// a failure: it is logged, and the fact counts as handled. The position is kept under the name, so it never changes.
    #[must_use]
    pub fn policy<F, C>(
        mut self,
        name: &'static str,
        react: impl Fn(&F, &Ctx) -> Vec<C> + Send + Sync + 'static,
    ) -> Self
    where
        F: Wire + Send + Sync + 'static,
        C: Wire + Send + Sync + 'static,
    {
        self.wiring.name("policy", name);
        self.wiring.sends.push((format!("the policy {name}"), C::names()));
        self.vocabulary.add::<F>(Kind::Heard, name, |_| true);
        self.map.consumers.push(Arc::new(PolicyConsumer::new(name, react)));
        self
    }

    /// "Whenever this fact, then everything about them is gone": `whom` says whom the fact names, and `what` which documents of
    /// scripts are about them.
    ///
    /// They are deleted in the Commit that remembers the fact as handled, with a note that is there for ever:
    /// [`forgotten`](crate::forgotten), by which a script knows that nothing is begun for them. Then the store's files are rid of
    /// it; [`Operator::forgetting`](crate::Operator::forgetting) says how far that is.
    #[must_use]
    pub fn forgets<F>(mut self, name: &'static str, whom: fn(&F) -> &str, what: fn(&str) -> Vec<DocKey>) -> Self
    where
        F: Wire + Send + Sync + 'static,
    {
        self.wiring.name("policy", name);
        self.vocabulary.add::<F>(Kind::Heard, name, |_| true);
        self.map.consumers.push(Arc::new(ForgetsConsumer::new(name, whom, what)));
        self
    }

    /// The same map with another reaction under the name of one it has: how another build reacts, or a bug that a test
    /// plants.
    #[must_use]
    pub fn policy_instead<F, C>(
        mut self,
        name: &'static str,
        react: impl Fn(&F, &Ctx) -> Vec<C> + Send + Sync + 'static,
    ) -> Self
    where
        F: Wire + Send + Sync + 'static,
        C: Wire + Send + Sync + 'static,
    {
        match self.map.consumers.iter_mut().find(|consumer| consumer.name() == name) {
            Some(consumer) => *consumer = Arc::new(PolicyConsumer::new(name, react)),
            None => self.wiring.wrong.push(format!("it has no policy {name} that another could stand in for")),
        }
        self
    }

    /// The same map with another rule for the commands that one of its decisions takes.
    #[must_use]
    pub fn decision_instead<D>(self, decision: D) -> Self
    where
        D: Decision + Send + Sync + 'static,
        D::Command: Send + Sync,
    {
        self.handler_instead(DecisionHandler(decision))
    }

    /// The same map with another decider for the commands that one of its deciders takes.
    #[must_use]
    pub fn decider_instead<D>(self, decider: D) -> Self
    where
        D: Decider + Send + Sync + 'static,
        D::Command: Send,
        D::State: Clone + Send + Sync + 'static,
    {
        self.handler_instead(DeciderHandler(decider))
    }

    fn handler_instead(mut self, handler: impl CommandHandler + 'static) -> Self {
        let owner = handler.names().first().and_then(|(name, _)| self.map.owners.get(name).copied());
        match owner.and_then(|at| self.map.handlers.get_mut(at)) {
            Some(place) => *place = Box::new(handler),
            None => {
                self.wiring.wrong.push(format!("nothing takes {:?} that another could stand in for", handler.names()))
            }
        }
        self
    }

    /// A process. Of what it hears, the events that this context's aggregates append are heard inside the Commit that
    /// appends them; everything else is a fact of another context. The aggregates are declared above.
    #[must_use]
    pub fn process<P>(mut self, process: P) -> Self
    where
        P: Process + Send + Sync + 'static,
        P::Heard: Send + Sync,
        P::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        P::Command: Send + Sync,
    {
        let by_default = || Rule::by_default::<Instance<P::State>>(ProcessOf::<P>::folder());
        self.map.snapshots.entry(P::NAME).or_insert_with(by_default);
        self.process_without_snapshots(process)
    }

    /// The same without snapshots: every input of an instance is read when it is not remembered.
    #[must_use]
    pub fn process_without_snapshots<P>(mut self, process: P) -> Self
    where
        P: Process + Send + Sync + 'static,
        P::Heard: Send + Sync,
        P::State: Clone + Send + Sync + 'static,
        P::Command: Send + Sync,
    {
        let who = format!("the process {}", P::NAME);
        self.wiring.name("process", P::NAME);
        self.wiring.sends.push((who.clone(), P::Command::names()));
        let (own, foreign): (Vec<Named>, _) = P::Heard::names().into_iter().partition(|named| self.is_own(named));
        let process: Arc<dyn ProcessHandler> = Arc::new(ProcessOf::new(process, &own));
        self.map.processes.push(process.clone());
        self.map.consumers.push(Arc::new(ProcessConsumer::new(process, &foreign)));
        self.vocabulary.add::<P::Heard>(Kind::Heard, P::NAME, |named| foreign.contains(named));
        self.wiring.listens.push((who.clone(), own));
        self.wiring.foreign.push((who, foreign));
        self
    }

    /// Whether a name is of an event of this context: one of its aggregates appends it, or should.
    fn is_own(&self, (name, _): &Named) -> bool {
        let whose = name.split('.').next();
        whose == Some(self.map.name) || self.wiring.appends.iter().any(|(appended, _)| appended == name)
    }

    /// A read model over facts (of other contexts or of this one).
    #[must_use]
    pub fn projection<P>(mut self) -> Self
    where
        P: Projection + Send + Sync + 'static,
        P::Event: Send + Sync,
        P::Row: Send + Sync,
    {
        self.wiring.name("projection", &root_of::<P>());
        self.vocabulary.add::<P::Event>(Kind::Heard, P::NAME, |_| true);
        self.map.consumers.push(Arc::new(ProjectionConsumer::<P>::new()));
        self.map.read_models.push(Arc::new(ReadModelOf::<P>::new()));
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

    /// Takes snapshots, by the wall clock, of each stream that changed since the last time and has
    /// [`snapshots`](Self::snapshots): `daily("00:00", "Asia/Seoul")`. A time that was missed is made up for.
    #[must_use]
    pub fn snapshots_at(self, schedule: Schedule) -> Self {
        self.clock(NIGHTLY, schedule, Missed::MadeUp, Box::new(|_, _| Fired::Walk))
    }

    /// "Whenever the clock says so, then these commands": an input like a fact.
    ///
    /// For each moment of the schedule it fires once, over all instances; its commands are decided in the Commit that
    /// writes the next firing. A rejected command is an answer, as in a [`policy`](Self::policy). The first firing is the
    /// first moment after the first start. A clock that is set back does not fire again for what it fired for, one that
    /// jumps forward has missed what it jumped over.
    #[must_use]
    pub fn at<C: Wire>(
        mut self,
        name: &'static str,
        schedule: Schedule,
        missed: Missed,
        react: impl Fn(&Firing, &Ctx) -> Vec<C> + Send + Sync + 'static,
    ) -> Self {
        self.wiring.name("clock", name);
        self.wiring.sends.push((format!("the clock {name}"), C::names()));
        let fire: Fire =
            Box::new(move |firing, ctx| Fired::Commands(react(firing, ctx).into_iter().map(Message::of).collect()));
        self.clock(name, schedule, missed, fire)
    }

    fn clock(mut self, name: &'static str, schedule: Schedule, missed: Missed, fire: Fire) -> Self {
        if self.map.clocks.iter().any(|other| other.name == name) {
            self.wiring.wrong.push(format!("the clock {name} is set twice"));
        }
        match schedule.0 {
            Ok(moments) => self.map.clocks.push(Clock { name, moments, missed, fire }),
            Err(why) => self.wiring.wrong.push(format!("the clock {name}: {why}")),
        }
        self
    }

    /// Another service that this one asks while somebody waits: the exception between contexts, which tell each other facts.
    /// Its name is its address. [`Handle::peer`](crate::Handle::peer) asks it; whoever is not declared cannot be asked.
    #[must_use]
    pub fn asks(mut self, name: &'static str, how: Asks) -> Self {
        if let Some(why) = how.complaint() {
            self.wiring.wrong.push(format!("{name} cannot be asked like this: {why}"));
        }
        if name == self.map.name || self.map.asks.iter().any(|(known, _)| *known == name) {
            self.wiring.wrong.push(format!("{name} is asked twice, or is this context itself"));
        }
        // It is the host of an address.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            self.wiring.wrong.push(format!("{name:?} is no name of a service that could be asked"));
        }
        self.map.asks.push((name, how));
        self
    }

    /// Whom this context asks, by name.
    pub fn asked_peers(&self) -> BTreeSet<&'static str> {
        self.map.asks.iter().map(|(name, _)| *name).collect()
    }

    /// Every fact this context hears, with who in it hears it: the arrows in.
    pub fn hears(&self) -> Vec<(String, &str)> {
        self.map.hears()
    }

    /// What may be asked, and how that is refused.
    fn asked<C: Wire, R: Wire>(mut self) -> Self {
        self.vocabulary.add::<C>(Kind::Command, "", |_| true);
        self.vocabulary.add::<R>(Kind::Rejection, "", |_| true);
        self
    }

    fn handler(mut self, handler: impl CommandHandler + 'static) -> Self {
        for (name, _) in handler.names() {
            if self.map.owners.insert(name, self.map.handlers.len()).is_some() {
                self.wiring.wrong.push(format!("the command {name} has two owners"));
            }
        }
        self.map.handlers.push(Box::new(handler));
        self
    }
}
