//! Given events, when a command, then events or a rejection.

use std::fmt::Debug;

use bongsu_core::{Ctx, Decider};

/// A decider and what has happened. See [`given`].
pub struct Given<'d, D: Decider> {
    decider: &'d D,
    state: D::State,
    ctx: Ctx,
}

/// What was decided. See [`given`].
pub struct When<D: Decider> {
    target: String,
    decided: Result<Vec<D::Event>, D::Rejection>,
}

/// Starts a test of a decider from what has happened so far.
///
/// ```
/// use bongsu_core::{Aggregate, Ctx, Decider, message};
/// use bongsu_given::given;
///
/// #[message("door.opened", version = 1)]
/// struct Opened {}
/// #[message("door.open", version = 1, key = door)]
/// struct Open { door: String }
/// #[message("door.already-open", version = 1)]
/// struct AlreadyOpen {}
///
/// struct Door;
/// impl Aggregate for Door {
///     const NAME: &'static str = "door";
///     type Event = Opened;
///     type State = bool;
///     fn evolve(open: &mut bool, _: &Opened) { *open = true; }
/// }
/// impl Decider for Door {
///     type Command = Open;
///     type Rejection = AlreadyOpen;
///     fn target(&self, command: &Open, _: &Ctx) -> String { command.door.clone() }
///     fn decide(&self, open: &bool, _: Open, _: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> {
///         if *open { Err(AlreadyOpen {}) } else { Ok(vec![Opened {}]) }
///     }
/// }
///
/// let open = || Open { door: "front".into() };
/// given(&Door, []).when(open()).on("front").then([Opened {}]);
/// given(&Door, [Opened {}]).when(open()).then_rejected(AlreadyOpen {});
/// ```
pub fn given<D: Decider>(decider: &D, events: impl Into<Vec<D::Event>>) -> Given<'_, D> {
    let mut state = D::State::default();
    events.into().iter().for_each(|event| D::evolve(&mut state, event));
    Given { decider, state, ctx: super::ctx(0) }
}

impl<D: Decider> Given<'_, D> {
    /// Sets the clock.
    #[must_use]
    pub fn at(mut self, now_ms: i64) -> Self {
        self.ctx.now_ms = now_ms;
        self
    }

    /// Sets the whole context.
    #[must_use]
    pub fn within(mut self, ctx: Ctx) -> Self {
        self.ctx = ctx;
        self
    }

    /// The state the command would meet.
    pub fn state(&self) -> &D::State {
        &self.state
    }

    /// Decides a command.
    #[must_use]
    pub fn when(self, command: impl Into<D::Command>) -> When<D> {
        let command = command.into();
        let target = self.decider.target(&command, &self.ctx);
        When { target, decided: self.decider.decide(&self.state, command, &self.ctx) }
    }
}

impl<D: Decider> When<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: Debug + PartialEq,
{
    /// The command was for this aggregate.
    #[track_caller]
    #[must_use]
    pub fn on(self, id: &str) -> Self {
        assert_eq!(self.target, id, "the command is for another aggregate");
        self
    }

    /// exactly these events, first to last.
    #[track_caller]
    pub fn then(self, events: impl Into<Vec<D::Event>>) {
        let events = events.into();
        match self.decided {
            Ok(decided) => assert_eq!(decided, events, "other events were decided"),
            Err(rejection) => panic!("rejected: {rejection:?}; expected {events:?}"),
        }
    }

    /// Exactly this rejection.
    #[track_caller]
    pub fn then_rejected(self, rejection: impl Into<D::Rejection>) {
        match self.decided {
            Ok(events) => panic!("accepted with {events:?}; expected {:?}", rejection.into()),
            Err(decided) => assert_eq!(decided, rejection.into(), "rejected for another reason"),
        }
    }

    /// What was decided, to look into.
    ///
    /// # Errors
    /// The rejection.
    pub fn decided(self) -> Result<Vec<D::Event>, D::Rejection> {
        self.decided
    }
}
