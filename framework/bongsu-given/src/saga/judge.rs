//! What must hold on every way.

use std::fmt;

use bongsu_core::{Decider, Ending, Process};

use super::{Saga, run::Run};

/// Checks one way.
#[track_caller]
pub(super) fn judge<P: Process, D: Decider>(script: &Saga<'_, P, D>, ran: &Run<'_, P, D>)
where
    P::Heard: Clone,
    P::Command: Clone + PartialEq + fmt::Debug,
    P::State: PartialEq + fmt::Debug,
    D::Command: Clone,
    D::Rejection: Clone,
    D::State: Clone + PartialEq + fmt::Debug,
{
    let broken = ran.broken.clone().map_or(Ok(()), Err);
    let rules = [
        broken,
        ends(script, ran),
        no_step_forward_too_late(ran),
        undone_in_reverse(ran),
        late_replies_are_answered(ran),
        folds_alike(ran),
        repetition_changes_nothing(ran),
    ];
    if let Some(why) = rules.into_iter().find_map(Result::err) {
        let heard: Vec<&str> = ran.inputs.iter().map(super::run::Incoming::words).collect();
        panic!("{}: {why}\n  it heard: {}\n  it sent: {:#?}", P::NAME, heard.join(", "), ran.sent);
    }
}

fn ends<P: Process, D: Decider>(script: &Saga<'_, P, D>, ran: &Run<'_, P, D>) -> Result<(), String> {
    match ran.ending() {
        None if !script.waits => Err("everything was said, no timer is set, and it has not ended".into()),
        _ => Ok(()),
    }
}

/// The undos are those of the steps carried out, latest first, if anything is undone at all. A step whose refusal is
/// known is not undone.
fn undone_in_reverse<P: Process, D: Decider>(ran: &Run<'_, P, D>) -> Result<(), String>
where
    P::Command: Clone + PartialEq + fmt::Debug,
{
    let unwound = matches!(ran.ending(), Some(Ending::Unwound | Ending::NeedsHuman));
    let undone: Vec<&P::Command> =
        ran.sent.iter().filter(|sent| sent.undo && !sent.late).map(|sent| &sent.command).collect();
    if undone.is_empty() && !unwound {
        return Ok(());
    }
    let done = ran.sent.iter().filter(|sent| sent.carried_out && !sent.undo && !sent.late);
    let mut expected: Vec<&P::Command> = done.filter_map(|sent| sent.undone_by.as_ref()).collect();
    expected.reverse();
    if undone == expected { Ok(()) } else { Err(format!("it undid {undone:?} where {expected:?} was to be undone")) }
}

fn no_step_forward_too_late<P: Process, D: Decider>(ran: &Run<'_, P, D>) -> Result<(), String>
where
    P::Command: fmt::Debug,
{
    let first = ran.sent.iter().position(|sent| sent.undo).unwrap_or(usize::MAX);
    // After a refusal for no reason the context may still take what it would have refused: it is no judge then.
    let late = |sent: &super::run::Sent<P::Command>| sent.late && !ran.injected;
    let forward = |(at, sent): &(usize, &super::run::Sent<P::Command>)| {
        sent.carried_out && !sent.undo && (*at > first || late(sent)) && !is_owed(ran, &sent.command)
    };
    match ran.sent.iter().enumerate().find(forward) {
        Some((_, sent)) => Err(format!("{:?} was carried out after an undo or after the end", sent.command)),
        None => Ok(()),
    }
}

fn is_owed<P: Process, D: Decider>(ran: &Run<'_, P, D>, command: &P::Command) -> bool
where
    P::Command: fmt::Debug,
{
    // Commands are compared by what they say: they need not be `PartialEq` here.
    ran.owed.iter().any(|owed| format!("{owed:?}") == format!("{command:?}"))
}

fn late_replies_are_answered<P: Process, D: Decider>(ran: &Run<'_, P, D>) -> Result<(), String>
where
    P::Command: PartialEq + fmt::Debug,
{
    let answered = |owed: &&P::Command| ran.sent.iter().any(|sent| sent.late && sent.command == **owed);
    match ran.owed.iter().find(|owed| !answered(owed)) {
        Some(owed) => Err(format!("a reply came after the end, and {owed:?} did not follow")),
        None => Ok(()),
    }
}

/// A crash leaves the inputs; folding them must give the state.
fn folds_alike<P: Process, D: Decider>(ran: &Run<'_, P, D>) -> Result<(), String>
where
    P::State: PartialEq + fmt::Debug,
{
    let mut folded = P::State::default();
    for incoming in &ran.inputs {
        incoming.with(|input| P::evolve(&mut folded, input));
    }
    if folded == ran.state { Ok(()) } else { Err(format!("it is {:?}, folded anew {folded:?}", ran.state)) }
}

/// The same way without the fact that came twice ends the same, as far as anybody can see.
fn repetition_changes_nothing<P: Process, D: Decider>(ran: &Run<'_, P, D>) -> Result<(), String>
where
    P::Heard: Clone,
    P::Command: Clone + PartialEq + fmt::Debug,
    D::Command: Clone,
    D::Rejection: Clone,
    D::State: Clone + PartialEq + fmt::Debug,
{
    if ran.repeated == 0 || ran.injected {
        return Ok(());
    }
    let once = ran.without_repetitions();
    let effects = |run: &Run<'_, P, D>| -> Vec<P::Command> {
        run.sent.iter().filter(|sent| sent.carried_out).map(|sent| sent.command.clone()).collect()
    };
    if (ran.ending(), effects(ran), &ran.context) == (once.ending(), effects(&once), &once.context) {
        return Ok(());
    }
    let (with, without) = ((ran.ending(), effects(ran)), (once.ending(), effects(&once)));
    Err(format!("with a fact repeated it ends {with:?}, without {without:?}"))
}
