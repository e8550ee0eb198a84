//! What every Store must do, rule by rule; memory, SQLite and PostgreSQL pass the same.
//!
//! An adapter's test file is one line: `bongsu_conformance::store_conformance!(MyFactory)` makes one `#[test]` per
//! rule. Start reading at [`StoreFactory`]; the rules are the functions of the modules below.

use std::{panic::AssertUnwindSafe, sync::mpsc, thread, time::Duration};

use futures::future::LocalBoxFuture;

mod factory;
mod make;
mod commits;
mod guards;
mod instances;
mod wake;
mod events;
mod docs;
mod scans;
mod garbage;
mod agrees;
pub mod crash;

pub use agrees::agrees_with_memory;
pub use factory::StoreFactory;

/// One rule.
type Rule = for<'a> fn(&'a dyn StoreFactory) -> LocalBoxFuture<'a, ()>;

/// A rule that takes longer than this hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// Calls a macro with the names of all rules, so that the list is written once.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_rules {
    ([$($callback:tt)+] [$($argument:tt)*]) => {
        $($callback)+! { [$($argument)*]
            commits::a_refused_commit_writes_nothing
            commits::events_and_documents_are_written_together
            commits::a_commit_without_writes_asks_whether_its_guards_hold
            commits::a_refusal_leaves_its_neighbours_alone
            commits::a_chained_commit_sees_what_the_one_before_writes
            commits::a_chain_breaks_where_a_guard_breaks
            commits::guards_are_judged_before_anything_is_written
            commits::a_commit_is_queued_when_it_is_called_not_when_it_is_polled
            commits::dropping_the_future_does_not_cancel
            commits::a_lost_answer_is_found_by_its_commit_id
            guards::an_event_follows_the_head_of_its_stream
            guards::events_of_one_commit_follow_each_other
            guards::a_stream_that_moved_refuses
            guards::an_event_that_took_the_place_of_another_refuses
            guards::a_document_guard_wants_absence_or_the_exact_revision
            guards::a_deleted_document_is_absent
            guards::a_mismatch_carries_what_was_found
            guards::every_guard_that_does_not_hold_is_named
            instances::two_instances_share_one_store
            instances::the_owner_of_an_old_lease_is_refused
            instances::increments_of_two_instances_are_all_counted
            instances::positions_of_two_instances_are_dense
            wake::changed_resolves_at_once_when_there_is_something_behind
            wake::changed_wakes_on_a_commit
            wake::changed_wakes_the_other_instance_without_waiting_for_its_clock
            events::positions_are_dense_and_in_commit_order
            events::a_stream_is_read_in_version_order
            events::facts_come_with_the_events_that_carry_them
            events::everything_of_an_event_comes_back
            events::position_of_finds_an_event
            events::an_empty_store_answers_empty
            docs::documents_come_in_the_order_asked
            docs::a_document_is_replaced_and_deleted
            docs::documents_are_one_snapshot
            docs::dropping_a_table_leaves_the_others
            docs::names_may_be_odd
            scans::a_table_is_scanned_by_id
            scans::bounds_hold_in_both_directions
            scans::a_scan_continues_behind_its_last_cursor
            scans::an_index_is_scanned_in_byte_order
            scans::a_document_appears_once_per_entry
            scans::rewriting_a_document_moves_its_entries
            garbage::what_can_never_be_stored_is_invalid
            garbage::the_largest_body_is_stored
            garbage::empty_and_binary_payloads_come_back
            garbage::extreme_numbers_are_compared_not_wrapped
            agrees::random_commits_agree_with_the_memory_model
            crash::a_crash_between_any_two_calls_leaves_whole_commits
        }
    };
}

macro_rules! list {
    ([] $($module:ident::$rule:ident)+) => {
        /// Every rule by name.
        const RULES: &[(&str, Rule)] = &[$((stringify!($rule), |factory| Box::pin($module::$rule(factory)))),+];
    };
}
__store_rules!([list][]);

/// Makes one `#[test]` per rule for the given [`StoreFactory`].
#[macro_export]
macro_rules! store_conformance {
    ($factory:expr) => {
        $crate::__store_rules!([$crate::__store_tests][$factory]);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    ([$factory:expr] $($module:ident::$rule:ident)+) => {
        $(#[test]
        fn $rule() {
            $crate::store::run(stringify!($rule), $factory);
        })+
    };
}

/// Tries every rule in turn.
///
/// # Panics
/// When a rule does not hold.
pub async fn run_all(factory: &dyn StoreFactory) {
    for (_, rule) in RULES {
        rule(factory).await;
    }
}

/// Tries one rule, and gives up on it after a minute.
///
/// # Panics
/// When the rule does not hold, hangs, or is not known.
pub fn run(name: &str, factory: impl StoreFactory) {
    let (_, rule) = RULES.iter().find(|(known, _)| *known == name).expect("the macro names known rules only");
    let (ended, wait) = mpsc::channel();
    // On a thread of its own, because a hanging rule cannot be stopped, only left behind.
    thread::spawn(move || {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| factory.block_on(rule(&factory))));
        // The test has given up when nobody listens any more.
        let _ = ended.send(outcome);
    });
    match wait.recv_timeout(DEADLINE) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => panic!("{name} did not end within {DEADLINE:?}"),
    }
}
