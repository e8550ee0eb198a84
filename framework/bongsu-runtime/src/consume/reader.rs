//! The task of one lane: takes what was fetched, has the lane handle it, and waits when that is impossible now.

use std::{sync::Arc, time::Duration};

use crate::{
    commit::{core::Core, fail::Fail, health::Standstill},
    consume::{
        backoff::Backoff,
        fetch::Reading,
        lane::{Lane, Stop},
        mailbox::{Mail, Mailbox},
    },
    ports::{
        broker::{In, LogId, Partition},
        store::StoreError,
    },
    records::lease::Resource,
};

/// How long a lane that only skipped waits before it writes that down: what it skips again after a crash costs less than a
/// Commit more often.
const IDLE: Duration = Duration::from_secs(1);
/// How long it waits for mail otherwise, before it waits again: mail wakes it, so this is only an end.
const LOOK: Duration = Duration::from_secs(60);
/// How often a lane whose lease is lost looks whether it is held again, until it is ended: the keeper ends it within a
/// heartbeat, and this is a part of one.
const LEASELESS: Duration = Duration::from_millis(50);

pub(crate) struct Reader {
    reading: Arc<Reading>,
    core: Arc<Core>,
    mailbox: Arc<Mailbox>,
    partition: Partition,
    lease: Resource,
    backoff: Backoff,
    /// Where the next mail begins.
    at: u64,
}

impl Reader {
    pub(crate) fn new(reading: Arc<Reading>, mailbox: Arc<Mailbox>, partition: Partition) -> Self {
        let core = reading.core.clone();
        let lease = reading.lease(&partition);
        Self { reading, core, mailbox, partition, lease, backoff: Backoff::default(), at: 0 }
    }

    /// Reads until it is dropped. A lane that stops is opened again at its durable cursor.
    pub(crate) async fn run(mut self) {
        loop {
            let Err(stop) = self.read().await else { continue };
            if matches!(stop, Stop::Lost) {
                while !self.core.leases.holds(&self.lease) {
                    self.core.env.sleep(LEASELESS).await;
                }
            } else {
                self.rest(&stop).await;
            }
        }
    }

    /// Opens the lane and handles whatever comes until it stops. Ok: open it anew, at once.
    async fn read(&mut self) -> Result<(), Stop> {
        let (core, consumer) = (self.core.clone(), self.reading.consumer.clone());
        let mut lane = Lane::open(&core, consumer, self.partition.clone()).await?;
        self.begin_at(lane.offset());
        loop {
            if lane.is_whole() {
                core.health.progress(&self.lease, lane.offset());
            }
            let patience = core.env.sleep(if lane.skipped { IDLE } else { LOOK });
            match self.mailbox.next(patience, &self.reading.asks).await {
                Mail::Messages(log, messages) => {
                    self.at = messages.last().map_or(self.at, |last| last.offset + 1);
                    if !self.handle(&mut lane, log, &messages).await? {
                        return Ok(());
                    }
                }
                Mail::Gone(earliest) => {
                    self.history_is_missing(&mut lane, earliest);
                    self.begin_at(lane.offset());
                }
                Mail::Nothing => lane.rest(&core).await?,
            }
            self.works(&lane);
            if lane.offset() != self.at {
                self.begin_at(lane.offset());
            }
        }
    }

    /// Has messages handled until all of them are durable; false when the lane is to be opened anew.
    async fn handle(&mut self, lane: &mut Lane, log: LogId, messages: &[In]) -> Result<bool, Stop> {
        let core = self.core.clone();
        loop {
            match lane.handle(&core, log, messages).await {
                Ok(()) => return Ok(true),
                Err(Stop::OtherLog) => {
                    self.history_is_missing(lane, 0);
                    return Ok(true);
                }
                Err(stop) if lane.is_cut() || matches!(stop, Stop::Lost) => return Err(stop),
                Err(stop) => self.rest(&stop).await,
            }
            if !lane.again(&core, messages).await? {
                return Ok(false);
            }
        }
    }

    /// Has the next messages fetched from an offset on.
    fn begin_at(&mut self, offset: u64) {
        self.at = offset;
        self.mailbox.begin_at(offset);
        self.reading.asks.notify_one();
    }

    /// Waits before the next attempt, the longer the more failed; says so when it begins to, and shows a lane that
    /// stands still.
    async fn rest(&mut self, stop: &Stop) {
        let why = match stop {
            Stop::Refused => "others wrote what its facts change each time before it could".to_owned(),
            Stop::Later(fail) => fail.to_string(),
            Stop::Waits(why) => why.clone(),
            Stop::Lost | Stop::OtherLog => return,
        };
        let overtaken = matches!(stop, Stop::Refused | Stop::Later(Fail::Store(StoreError::Unknown(_))));
        let pause = self.backoff.failed(&self.core, overtaken);
        if matches!(stop, Stop::Waits(_)) {
            self.core.health.stands_still(&self.lease, Standstill::Operator, &why);
        } else if self.backoff.is_long() {
            self.core.health.stands_still(&self.lease, Standstill::Store, &why);
        }
        if self.backoff.is_to_be_told(overtaken) {
            let consumer = self.reading.consumer.name();
            tracing::warn!(consumer, lease = %self.lease, error = why, "facts cannot be handled now");
        }
        if !pause.is_zero() {
            self.core.env.sleep(pause).await;
        }
    }

    fn works(&mut self, lane: &Lane) {
        let consumer = self.reading.consumer.name();
        if self.backoff.works() {
            tracing::info!(consumer, lease = %self.lease, "facts are handled again");
        }
        if lane.is_cut() {
            return;
        }
        self.core.health.goes_on(&self.lease);
        if self.reading.is_whole(&self.partition) {
            let topic = &self.partition.topic;
            tracing::info!(consumer, topic, "the missing facts are published again");
        }
    }

    /// What a lane has to read next is not there (any more): it looks for a refill, and an operator is told, once
    /// for all partitions of a topic.
    fn history_is_missing(&mut self, lane: &mut Lane, earliest: u64) {
        if !lane.look_for_refill(earliest) {
            return;
        }
        let topic = &self.partition.topic;
        let remedy = format!("bongsu republish {topic}");
        let why = format!("facts it has not heard are gone from the broker; {remedy}");
        self.core.health.halt(&self.lease, &why);
        if self.reading.is_cut(&self.partition) {
            tracing::error!(
                code = "history-missing",
                consumer = self.reading.consumer.name(),
                topic,
                remedy,
                "facts that were not heard yet are gone from the broker: nothing is heard until all are published again"
            );
        }
    }
}
