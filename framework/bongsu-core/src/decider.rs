//! Aggregates that decide: a command and a state give events or a rejection.

use crate::{
    Ctx,
    wire::{Wire, key_of},
};

/// Something whose state is the fold of its own events.
///
/// ```
/// use bongsu_core::{Aggregate, message};
///
/// #[message("counter.counted", version = 1)]
/// struct Counted { by: u32 }
///
/// struct Counter;
/// impl Aggregate for Counter {
///     const NAME: &'static str = "counter";
///     type Event = Counted;
///     type State = u32;
///     fn evolve(state: &mut u32, event: &Counted) { *state += event.by; }
/// }
///
/// let mut state = 0;
/// Counter::evolve(&mut state, &Counted { by: 3 });
/// assert_eq!(state, 3);
/// ```
pub trait Aggregate {
    /// First part of the stream name: `account` in `account/acc_1`.
    const NAME: &'static str;
    /// What can happen to it.
    type Event: Wire;
    /// What its decisions need to remember; `Default` is "never heard of".
    type State: Default;

    /// Folds one event. Static, so that replay cannot depend on configuration; it must not fail.
    fn evolve(state: &mut Self::State, event: &Self::Event);
}

/// An aggregate that takes commands.
///
/// ```
/// use bongsu_core::{Aggregate, CommandId, Ctx, Decider, message};
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
///     fn decide(&self, open: &bool, _: Open, _: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> {
///         if *open { Err(AlreadyOpen {}) } else { Ok(vec![Opened {}]) }
///     }
/// }
///
/// let ctx = Ctx::new(0, CommandId(1), "ann");
/// let open = Open { door: "front".into() };
/// assert_eq!(Door.decide(&false, open.clone(), &ctx), Ok(vec![Opened {}]));
/// assert_eq!(Door.target(&open, &ctx), "front");
/// assert_eq!(Door.decide(&true, open, &ctx), Err(AlreadyOpen {}));
/// ```
///
/// A command that does not say which one it is for, and no `target` that does: whatever asks for it does not compile.
///
/// ```compile_fail,E0080
/// # use bongsu_core::{Aggregate, CommandId, Ctx, Decider, message};
/// #[message("door.opened", version = 1)]
/// struct Opened {}
/// #[message("door.open", version = 1)]
/// struct Open { door: String }
/// # #[message("door.already-open", version = 1)]
/// # struct AlreadyOpen {}
/// # struct Door;
/// # impl Aggregate for Door {
/// #     const NAME: &'static str = "door";
/// #     type Event = Opened;
/// #     type State = bool;
/// #     fn evolve(open: &mut bool, _: &Opened) { *open = true; }
/// # }
/// # impl Decider for Door {
/// #     type Command = Open;
/// #     type Rejection = AlreadyOpen;
/// #     fn decide(&self, _: &bool, _: Open, _: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> { Ok(vec![]) }
/// # }
/// Door.target(&Open { door: "front".into() }, &Ctx::new(0, CommandId(1), "ann"));
/// ```
pub trait Decider: Aggregate {
    /// What may be asked of it.
    type Command: Wire;
    /// Why it may refuse: typed, part of the contract.
    type Rejection: Wire;

    /// The id of the aggregate a command is for: the command's key. Written out where a command is for a new one, whose id
    /// comes from [`Ctx::id`]; where neither is so, it does not compile.
    fn target(&self, command: &Self::Command, _ctx: &Ctx) -> String {
        key_of(command)
    }

    /// Decides. `Ok(vec![])` means: accepted, nothing to change.
    ///
    /// # Errors
    /// The rejection, when the state does not allow the command.
    fn decide(
        &self,
        state: &Self::State,
        command: Self::Command,
        ctx: &Ctx,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;
}

/// The stream an aggregate's events are written to; also the subject of its facts.
///
/// ```
/// assert_eq!(bongsu_core::stream_of("account", "acc_1"), "account/acc_1");
/// ```
pub fn stream_of(aggregate: &str, id: &str) -> String {
    format!("{aggregate}/{id}")
}
