//! What every Broker must do. Each rule makes its own topics, so one broker serves them all.
//!
//! ```ignore
//! conformance::broker::every_rule(&Bench::new(Arc::new(broker), |wait| Box::pin(tokio::time::sleep(wait)))).await;
//! ```

mod bench;
pub mod order;
pub mod fence;
pub mod read;
pub mod wait;
pub mod refuse;
pub mod refill;
pub mod history;
pub mod crash;

pub use bench::Bench;

/// Runs every rule, one after the other. Panics at the first that does not hold.
pub async fn every_rule(bench: &Bench) {
    order::a_key_stays_in_order_in_its_own_partition(bench).await;
    order::bytes_and_key_come_back_as_published(bench).await;
    order::what_is_there_already_is_dropped(bench).await;
    order::a_batch_sent_again_after_an_error_keeps_its_order(bench).await;
    order::facts_of_one_event_are_told_apart_by_ordinal(bench).await;
    order::duplicates_are_judged_per_service(bench).await;
    order::producers_at_the_same_time_lose_nothing(bench).await;
    fence::an_older_epoch_is_refused_and_leaves_nothing(bench).await;
    fence::a_newer_epoch_fences_even_with_nothing_to_say(bench).await;
    fence::a_fence_concerns_one_service_only(bench).await;
    read::one_fetch_reads_many_partitions(bench).await;
    read::reading_on_from_an_offset_skips_nothing(bench).await;
    read::max_bytes_is_kept_but_one_message_always_comes(bench).await;
    read::a_long_backlog_starves_no_other_partition(bench).await;
    read::bounds_count_what_is_there(bench).await;
    read::one_history_has_one_id(bench).await;
    wait::a_fetch_with_nothing_to_bring_waits_and_comes_back_empty(bench).await;
    wait::an_append_wakes_a_waiting_fetch_at_once(bench).await;
    wait::an_append_elsewhere_does_not_end_the_wait(bench).await;
    wait::an_abandoned_fetch_leaves_the_broker_well(bench).await;
    refusals(bench).await;
    refill::a_refill_is_taken_again_and_told_apart(bench).await;
    refill::an_epoch_seen_in_a_refill_fences_everywhere(bench).await;
    refill::a_broker_that_lost_history_takes_nothing_on_top(bench).await;
    history::a_copy_that_went_on_for_itself_is_refused(bench).await;
    history::another_history_is_refused_unless_it_came_from_the_one_there(bench).await;
    history::a_history_that_parted_goes_on_where_it_parted(bench).await;
    refill::a_bound_on_bytes_forgets_the_oldest(bench).await;
    refill::a_retention_of_nothing_is_refused(bench).await;
}

/// What is refused, and that nothing of it stays.
async fn refusals(bench: &Bench) {
    refuse::a_topic_is_made_once_and_never_repartitioned(bench).await;
    refuse::unknown_topics_and_partitions_are_named(bench).await;
    refuse::an_offset_past_the_end_is_gone(bench).await;
    refuse::an_expired_offset_is_gone(bench).await;
    refuse::an_oversize_message_is_refused_and_the_largest_is_not(bench).await;
    refuse::garbage_is_refused_and_its_neighbours_with_it(bench).await;
    refuse::what_consumers_could_not_read_is_refused(bench).await;
    refuse::positions_that_fall_within_a_batch_are_refused(bench).await;
    refuse::reports_are_taken_whatever_they_say(bench).await;
}
