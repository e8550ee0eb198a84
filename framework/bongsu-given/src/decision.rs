//! Decisions over several aggregates: the harness reads as the runtime does.

use std::{collections::BTreeMap, fmt::Debug};

use bongsu_core::{Aggregate, Changes, Ctx, Decision, View, Wire, stream_of};

/// One event as it is stored: name, schema, body.
type Stored = (&'static str, u32, Vec<u8>);

/// A decision and what has happened to each aggregate. See [`decision`].
pub struct GivenView<'d, D> {
    decision: &'d D,
    history: BTreeMap<String, Vec<Stored>>,
    ctx: Ctx,
}

/// What was decided. See [`decision`].
pub struct Decided<D: Decision> {
    decided: Result<BTreeMap<String, Vec<Stored>>, D::Rejection>,
}

/// Starts a test of a decision.
///
/// The harness asks [`Decision::reads`] again and again until it names nothing new, shows the decision
/// only what it named, and fails when it changes an aggregate it did not read: such a change would not
/// be guarded.
///
/// ```
/// use bongsu_core::{Aggregate, Changes, Ctx, Decision, StreamRef, View, message};
/// use bongsu_given::decision;
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
/// let transfer = |amount| Transfer { from: "a".into(), to: "b".into(), amount };
/// decision(&Transfers)
///     .given::<Account>("a", [Moved { by: 10 }])
///     .when(transfer(4))
///     .then::<Account>("a", [Moved { by: -4 }])
///     .then::<Account>("b", [Moved { by: 4 }])
///     .and_nothing_else();
/// decision(&Transfers).when(transfer(4)).then_rejected(TooLittle {});
/// ```
pub fn decision<D: Decision>(decision: &D) -> GivenView<'_, D> {
    GivenView { decision, history: BTreeMap::new(), ctx: super::ctx(0) }
}

impl<D: Decision> GivenView<'_, D> {
    /// Adds what has happened to one aggregate.
    #[must_use]
    pub fn given<A: Aggregate>(mut self, id: &str, events: impl Into<Vec<A::Event>>) -> Self {
        let events = events.into();
        let stored = events.iter().map(|event| (event.name().0, event.name().1, event.encode()));
        self.history.entry(stream_of(A::NAME, id)).or_default().extend(stored);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn at(mut self, now_ms: i64) -> Self {
        self.ctx.now_ms = now_ms;
        self
    }

    /// Decides a command.
    #[track_caller]
    pub fn when(self, command: impl Into<D::Command>) -> Decided<D> {
        let command = command.into();
        let view = self.read(&command);
        let decided = self.decision.decide(&view, command, &self.ctx);
        Decided { decided: decided.map(|changes| by_stream(changes, &view)) }
    }

    #[track_caller]
    fn read(&self, command: &D::Command) -> View {
        let mut view = View::default();
        loop {
            let mut wanted = self.decision.reads(command, &view, &self.ctx);
            wanted.retain(|stream| !view.has(&stream.stream));
            if wanted.is_empty() {
                return view;
            }
            for wanted in wanted {
                let mut state = (wanted.folder.empty)();
                for (name, schema, data) in self.history.get(&wanted.stream).into_iter().flatten() {
                    (wanted.folder.apply)(state.as_mut(), name, *schema, data).expect("a given event decodes");
                }
                view.insert(wanted.stream, state);
            }
        }
    }
}

#[track_caller]
fn by_stream(changes: Changes, view: &View) -> BTreeMap<String, Vec<Stored>> {
    let mut streams: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    for change in changes {
        let stream = change.target.stream;
        assert!(view.has(&stream), "{stream} is changed but was not read, so it would not be guarded");
        streams.entry(stream).or_default().push((change.name.0, change.name.1, change.data));
    }
    streams
}

impl<D: Decision> Decided<D>
where
    D::Rejection: Debug + PartialEq,
{
    /// One aggregate gets exactly these events.
    #[track_caller]
    #[must_use]
    pub fn then<A: Aggregate>(mut self, id: &str, events: impl Into<Vec<A::Event>>) -> Self
    where
        A::Event: Debug + PartialEq,
    {
        let stream = stream_of(A::NAME, id);
        let stored = self.accepted().remove(&stream).unwrap_or_default();
        let decode =
            |(name, schema, data): &Stored| A::Event::decode(name, *schema, data).expect("it was just encoded");
        let decided: Vec<_> = stored.iter().filter_map(decode).collect();
        assert_eq!(decided, events.into(), "other events were decided for {stream}");
        self
    }

    /// Nothing but what was named by [`then`](Self::then) changes.
    #[track_caller]
    pub fn and_nothing_else(mut self) {
        let rest: Vec<_> = self.accepted().keys().cloned().collect();
        assert!(rest.is_empty(), "these change as well: {rest:?}");
    }

    /// Exactly this rejection.
    #[track_caller]
    pub fn then_rejected(self, rejection: impl Into<D::Rejection>) {
        match self.decided {
            Ok(streams) => panic!("accepted, changes {:?}; expected {:?}", streams.keys(), rejection.into()),
            Err(decided) => assert_eq!(decided, rejection.into(), "rejected for another reason"),
        }
    }

    #[track_caller]
    fn accepted(&mut self) -> &mut BTreeMap<String, Vec<Stored>> {
        match &mut self.decided {
            Ok(streams) => streams,
            Err(rejection) => panic!("rejected: {rejection:?}"),
        }
    }
}
