//! Decisions over several entities of one service that must hold together.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc};

use crate::{
    Aggregate, Ctx,
    decider::stream_of,
    wire::{DecodeError, Wire},
};

/// A rule that spans several aggregates of one service: all of it is one Commit, every read is guarded.
///
/// ```
/// use bongsu_core::{Aggregate, Changes, CommandId, Ctx, Decision, StreamRef, View, message};
///
/// #[message("account.moved", version = 1)]
/// struct Moved { by: i64 }
/// #[message("account.transfer", version = 1)]
/// struct Transfer { from: String, to: String, amount: i64 }
/// #[message("account.too-little", version = 1)]
/// struct TooLittle {}
///
/// struct Account;
/// impl Aggregate for Account {
///     const NAME: &'static str = "account";
///     type Event = Moved;
///     type State = i64;
///     fn evolve(balance: &mut i64, event: &Moved) { *balance += event.by; }
/// }
/// struct Transfers;
/// impl Decision for Transfers {
///     const NAME: &'static str = "transfers";
///     type Command = Transfer;
///     type Rejection = TooLittle;
///     fn reads(&self, command: &Transfer, _: &View, _: &Ctx) -> Vec<StreamRef> {
///         vec![StreamRef::of::<Account>(&command.from), StreamRef::of::<Account>(&command.to)]
///     }
///     fn decide(&self, view: &View, command: Transfer, _: &Ctx) -> Result<Changes, TooLittle> {
///         if view.state::<Account>(&command.from) < command.amount { return Err(TooLittle {}) }
///         Ok(Changes::new()
///             .append::<Account>(&command.from, Moved { by: -command.amount })
///             .append::<Account>(&command.to, Moved { by: command.amount }))
///     }
/// }
///
/// let ctx = Ctx::new(0, CommandId(1), "ann");
/// let view = View::given::<Account>("a", &[Moved { by: 10 }]);
/// let transfer = |amount| Transfer { from: "a".into(), to: "b".into(), amount };
/// assert_eq!(Transfers.decide(&view, transfer(4), &ctx).unwrap().len(), 2);
/// assert_eq!(Transfers.decide(&view, transfer(40), &ctx).unwrap_err(), TooLittle {});
/// ```
pub trait Decision {
    /// Names the decision in logs and in the context map.
    const NAME: &'static str;
    /// What may be asked.
    type Command: Wire;
    /// Why it may be refused.
    type Rejection: Wire;

    /// What must be read. Called again with what was read so far, until it names nothing new: closing an
    /// account learns from it which cards go with it. Every stream named is guarded at the version read.
    fn reads(&self, command: &Self::Command, view: &View, ctx: &Ctx) -> Vec<StreamRef>;

    /// Decides over everything [`reads`](Self::reads) named.
    ///
    /// # Errors
    /// The rejection, when the states do not allow the command.
    fn decide(&self, view: &View, command: Self::Command, ctx: &Ctx) -> Result<Changes, Self::Rejection>;
}

/// How the runtime folds a stream whose type it does not know.
///
/// ```
/// use bongsu_core::{Aggregate, Folder, Wire, message};
///
/// #[message("counter.counted", version = 1)]
/// struct Counted { by: u32 }
/// struct Counter;
/// impl Aggregate for Counter {
///     const NAME: &'static str = "counter";
///     type Event = Counted;
///     type State = u32;
///     fn evolve(state: &mut u32, event: &Counted) { *state += event.by; }
/// }
///
/// let folder = Folder::of::<Counter>();
/// let mut state = (folder.empty)();
/// (folder.apply)(state.as_mut(), "counter.counted", 1, &Counted { by: 2 }.encode()).unwrap();
/// assert_eq!((folder.copy)(state.as_ref()).downcast_ref::<u32>(), Some(&2));
/// ```
#[derive(Clone, Copy)]
pub struct Folder {
    /// [`Aggregate::NAME`].
    pub aggregate: &'static str,
    /// The state of a stream without events.
    pub empty: fn() -> Box<dyn Any + Send + Sync>,
    /// A copy of a state.
    pub copy: fn(&(dyn Any + Send + Sync)) -> Box<dyn Any + Send + Sync>,
    /// Decodes and folds one stored event. An event of a name the aggregate does not know is broken.
    pub apply: Apply,
    /// Folds an event that was just made; false when it is of another type.
    pub evolve: fn(&mut (dyn Any + Send + Sync), &(dyn Any + Send + Sync)) -> bool,
}

/// Decodes the event of this name, schema and body, and folds it into a state.
pub type Apply = fn(&mut (dyn Any + Send + Sync), &str, u32, &[u8]) -> Result<(), DecodeError>;

/// A stream named by a [`Decision`], with how to fold it.
///
/// ```
/// # use bongsu_core::{Aggregate, StreamRef, message};
/// # #[message("counter.counted", version = 1)]
/// # struct Counted { by: u32 }
/// # struct Counter;
/// # impl Aggregate for Counter {
/// #     const NAME: &'static str = "counter";
/// #     type Event = Counted;
/// #     type State = u32;
/// #     fn evolve(state: &mut u32, event: &Counted) { *state += event.by; }
/// # }
/// assert_eq!(StreamRef::of::<Counter>("c1").stream, "counter/c1");
/// ```
#[derive(Clone)]
pub struct StreamRef {
    /// `aggregate/id`.
    pub stream: String,
    /// How to fold it.
    pub folder: Folder,
}

/// The states a decision is made on. See [`Decision`] for an example.
#[derive(Default)]
pub struct View {
    states: BTreeMap<String, Box<dyn Any + Send + Sync>>,
}

/// One event of a decision, with the stream it is appended to.
pub struct Change {
    /// Where it goes.
    pub target: StreamRef,
    /// Wire name and schema.
    pub name: (&'static str, u32),
    /// Encoded body.
    pub data: Vec<u8>,
    /// The event itself, for who knows its type: so that it need not be read back.
    pub event: Arc<dyn Any + Send + Sync>,
}

/// What a decision changes, in order. See [`Decision`] for an example.
#[derive(Default)]
pub struct Changes(Vec<Change>);

impl Folder {
    /// The folder of an aggregate.
    pub fn of<A: Aggregate>() -> Self
    where
        A::State: Clone + Send + Sync + 'static,
    {
        Self {
            aggregate: A::NAME,
            empty: || Box::new(A::State::default()),
            copy: |state| Box::new(cast::<A>(state).clone()),
            apply: |state, name, schema, data| {
                let state: &mut A::State = state.downcast_mut().expect("a folder only meets states it made itself");
                let unknown = || DecodeError::Unknown { name: name.into(), schema };
                let event = A::Event::decode(name, schema, data)?.ok_or_else(unknown)?;
                A::evolve(state, &event);
                Ok(())
            },
            evolve: |state, event| {
                let known = state.downcast_mut::<A::State>().zip(event.downcast_ref::<A::Event>());
                known.map(|(state, event)| A::evolve(state, event)).is_some()
            },
        }
    }
}

impl StreamRef {
    /// Names one aggregate.
    pub fn of<A: Aggregate>(id: &str) -> Self
    where
        A::State: Clone + Send + Sync + 'static,
    {
        Self { stream: stream_of(A::NAME, id), folder: Folder::of::<A>() }
    }
}

impl Change {
    /// An event of one aggregate, written down.
    pub fn of<A: Aggregate>(target: StreamRef, event: A::Event) -> Self {
        Self { target, name: event.name(), data: event.encode(), event: Arc::new(event) }
    }
}

impl View {
    /// A view of one aggregate after these events; for tests, joined with [`and`](Self::and).
    pub fn given<A: Aggregate>(id: &str, events: &[A::Event]) -> Self
    where
        A::State: Clone + Send + Sync + 'static,
    {
        Self::default().and::<A>(id, events)
    }

    /// Adds one aggregate after these events.
    #[must_use]
    pub fn and<A: Aggregate>(mut self, id: &str, events: &[A::Event]) -> Self
    where
        A::State: Clone + Send + Sync + 'static,
    {
        let mut state = A::State::default();
        events.iter().for_each(|event| A::evolve(&mut state, event));
        self.insert(stream_of(A::NAME, id), Box::new(state));
        self
    }

    /// Puts a folded state in; used by the runtime.
    pub fn insert(&mut self, stream: String, state: Box<dyn Any + Send + Sync>) {
        self.states.insert(stream, state);
    }

    /// Whether this stream was read already.
    pub fn has(&self, stream: &str) -> bool {
        self.states.contains_key(stream)
    }

    /// The state of an aggregate; the default state when it was not read.
    pub fn state<A: Aggregate>(&self, id: &str) -> A::State
    where
        A::State: Clone + Send + Sync + 'static,
    {
        match self.states.get(&stream_of(A::NAME, id)) {
            Some(state) => cast::<A>(state.as_ref()).clone(),
            None => A::State::default(),
        }
    }
}

impl Changes {
    /// Accepted, nothing to change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one event to an aggregate.
    #[must_use]
    pub fn append<A: Aggregate>(mut self, id: &str, event: impl Into<A::Event>) -> Self
    where
        A::State: Clone + Send + Sync + 'static,
    {
        self.0.push(Change::of::<A>(StreamRef::of::<A>(id), event.into()));
        self
    }

    /// How many events.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events of one aggregate, decoded; for tests.
    pub fn of<A: Aggregate>(&self, id: &str) -> Vec<A::Event> {
        let stream = stream_of(A::NAME, id);
        let mine = self.0.iter().filter(|change| change.target.stream == stream);
        mine.filter_map(|change| A::Event::decode(change.name.0, change.name.1, &change.data).ok().flatten()).collect()
    }
}

impl IntoIterator for Changes {
    type Item = Change;
    type IntoIter = std::vec::IntoIter<Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|change| (&change.target.stream, change.name.0))).finish()
    }
}

fn cast<A: Aggregate>(state: &(dyn Any + Send + Sync)) -> &A::State
where
    A::State: 'static,
{
    state.downcast_ref().expect("a stream name determines its aggregate, and the aggregate its state")
}
