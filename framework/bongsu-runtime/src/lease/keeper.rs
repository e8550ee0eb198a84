//! Who does what among the instances of one service: leases in the service's own store.
//!
//! Reading a partition, relaying and draining to-dos each need a lease document, and every Commit made under
//! it guards that document's revision. Heartbeats are another document, so the revision changes only at a
//! take-over: after 1.6 seconds of silence, at once by a process started in the same slot, or when given back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bongsu_core::digest;

use crate::{
    commit::{
        core::Core,
        leases::{Held, Member, Members},
    },
    lease::assign::assigned,
    ports::{
        broker::Partition,
        coverage,
        store::{Commit, CommitId, Doc, DocKey, DocWrite, Guard, Scan, StoreError, Verdict},
    },
    records::{
        lease::{Beat, Lease, MEMBER, Resource, lease_body},
        todo_id::SHARDS,
    },
};

/// Between two heartbeats: a Commit each, so few, and four of them in the silence after which others take over.
const BEAT: Duration = Duration::from_millis(400);
/// How long an instance may be silent before its leases are taken: four heartbeats.
const SILENCE: Duration = Duration::from_millis(1_600);
/// So much of it counts at most between two looks. An instance that stood still itself, or waited as long for the store,
/// does not know whether the others could beat meanwhile.
const COUNTS: Duration = Duration::from_millis(800);
/// After others came or went: how long to wait for what they are still to give back, and how often at most: longer than it
/// takes until somebody who does not give back is silent.
const SOON: Duration = Duration::from_millis(100);
const SOONS: u32 = 20;
/// Between two rounds at least, however long they take: a store that is slower than a heartbeat is not asked without a
/// pause.
const BREATH: Duration = Duration::from_millis(20);
/// Alone, leases are compared with the store at every so many-th heartbeat: once in two seconds.
const ALONE: u64 = 5;
/// Members that are looked at: far more than instances of one service.
const MEMBERS: u32 = 1_000;

/// Keeps this instance a member and its leases the ones it should hold.
pub(crate) struct Keeper {
    core: Arc<Core>,
    incarnation: u64,
    beat: u64,
    membership: Membership,
    /// Every other slot: revision of its last heartbeat, and how long it has been silent since.
    others: BTreeMap<String, (CommitId, Duration)>,
    /// When this instance last beat, and when it last looked around.
    beaten: Option<Duration>,
    looked: Duration,
    /// Who was alive then, and how often to look again soon.
    alive: BTreeMap<String, u64>,
    soon: u32,
    /// Something this instance is to have is still another's.
    waits: bool,
    resources: Vec<Resource>,
    /// The members last seen, and what this slot should hold among them.
    share: (Members, BTreeSet<Resource>),
    /// What is held may not be what the store says: at the start, and after a round that failed.
    unsure: bool,
}

/// What this process knows of its slot's heartbeat.
#[derive(Clone, Copy)]
enum Membership {
    /// Not joined. The first heartbeat is not guarded: it pushes out the process that had the slot before.
    New,
    /// Its last heartbeat.
    Known(CommitId),
    /// Whether the first heartbeat was written is not known, only who had the slot before it.
    Joining(Option<u64>),
    /// Whether the last heartbeat was written is not known. It is read: whoever is there if it was not this process has
    /// pushed this one out, and must not be pushed out in turn.
    Unknown,
}

impl Keeper {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let mut resources: Vec<Resource> = (0..SHARDS).map(Resource::Shard).collect();
        resources.push(Resource::Relay);
        for consumer in &core.map.consumers {
            for topic in consumer.topics() {
                let partition = |index| Partition { topic: topic.clone(), index };
                let lane = |index| Resource::lane(consumer.name(), &partition(index));
                resources.extend((0..core.settings.partitions).map(lane));
            }
        }
        resources.extend(core.map.read_models.iter().map(|model| Resource::Rebuild(model.root().to_owned())));
        let incarnation = core.env.random();
        Self {
            core,
            incarnation,
            beat: 0,
            membership: Membership::New,
            others: BTreeMap::new(),
            beaten: None,
            looked: Duration::ZERO,
            alive: BTreeMap::new(),
            soon: 0,
            waits: false,
            resources,
            share: (Members::new(), BTreeSet::new()),
            unsure: true,
        }
    }

    /// Beats, looks around, takes and gives back, for ever.
    pub(crate) async fn run(mut self) {
        self.core.leases.incarnation.store(self.incarnation, Ordering::Relaxed);
        loop {
            let nap = match self.round().await {
                Ok(Some(nap)) => {
                    if self.core.health.store_is_back() {
                        tracing::info!("leases are renewed again");
                    }
                    nap
                }
                Ok(None) => return self.superseded(),
                Err(error) => {
                    self.unsure = true;
                    self.core.health.store_failed(self.core.map.name, &error);
                    if self.core.health.store_is_away(&error) {
                        tracing::warn!(%error, "leases could not be renewed");
                    }
                    BEAT
                }
            };
            self.core.env.sleep(nap).await;
        }
    }

    /// One round; how long until the next, or `None` when another process runs in this slot.
    async fn round(&mut self) -> Result<Option<Duration>, StoreError> {
        if self.unsure && !self.heartbeat().await? {
            return Ok(None);
        }
        // What a silent one held does not wait for this one's heartbeat, which may have to wait for its turn to write.
        let members = self.look_around().await?;
        let mut due = members.is_none();
        if let Some(members) = members {
            // Alone, nobody can have taken anything while this instance beat: it is enough to look now and then.
            if members.len() > 1 || self.unsure || self.beat.is_multiple_of(ALONE) {
                self.reconcile().await?;
            }
            if self.core.leases.others.swap(members.len() > 1, Ordering::Relaxed) != (members.len() > 1) {
                self.core.due.look_at_all();
            }
            if self.share.0 != members {
                let wanted = assigned(&self.resources, &members, &self.core.settings.slot);
                *self.core.leases.members() = members.clone();
                self.share = (members, wanted);
            }
            let (members, wanted) = &self.share;
            self.give_back(|resource| !wanted.contains(resource)).await?;
            self.take(wanted, members).await?;
            self.waits = wanted.iter().any(|resource| !self.core.leases.holds(resource));
            self.unsure = false;
            self.core.health.joined();
        }
        due |= self.beaten.is_none_or(|beaten| self.core.env.mono().saturating_sub(beaten) >= BEAT);
        if due && !self.heartbeat().await? {
            return Ok(None);
        }
        Ok(Some(self.nap()))
    }

    /// Until the next heartbeat, or less: until somebody will have been silent for too long, or may have given back what
    /// this instance is to have since others came or went.
    fn nap(&mut self) -> Duration {
        let beats = self.beaten.map_or(BEAT, |at| (at + BEAT).saturating_sub(self.core.env.mono()));
        let silent = self.others.values().map(|(_, silent)| SILENCE.saturating_sub(*silent));
        let nap = silent.filter(|left| !left.is_zero()).fold(beats, Duration::min).max(BREATH);
        if self.soon > 0 && self.waits {
            self.soon -= 1;
            return nap.min(SOON);
        }
        nap
    }

    /// Says that this process lives; false when another one has its slot.
    async fn heartbeat(&mut self) -> Result<bool, StoreError> {
        let key = DocKey::of(MEMBER, &self.core.settings.slot);
        let slot = self.core.settings.slot.clone();
        let Some(before) = self.reread(&key).await? else { return Ok(false) };
        self.beat += 1;
        let id = CommitId(digest(&["beat", &slot, &self.incarnation.to_string(), &self.beat.to_string()]));
        let mut commit = Commit::new(id);
        if let Membership::Known(revision) = self.membership {
            commit.guards.push(Guard::Doc(key.clone(), Some(revision)));
        }
        let beat = Beat { incarnation: self.incarnation, beat: self.beat, consumers: self.core.map.readers() };
        commit.docs.push(DocWrite { key, put: Some(lease_body(&beat)) });
        match self.core.store.commit(commit).await {
            Ok(Verdict::Done) => {
                self.membership = Membership::Known(id);
                self.beaten = Some(self.core.env.mono());
            }
            Ok(Verdict::Refused(_)) => return Ok(false),
            Err(StoreError::Unknown(why)) => {
                self.membership = match self.membership {
                    Membership::New | Membership::Joining(_) => Membership::Joining(before),
                    Membership::Known(_) | Membership::Unknown => Membership::Unknown,
                };
                return Err(StoreError::Unknown(why));
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Makes sure of what this process knows of its slot. `Some`: who had it before the first heartbeat, if this is
    /// the first; `None`: another process has it now.
    async fn reread(&mut self, key: &DocKey) -> Result<Option<Option<u64>>, StoreError> {
        if let Membership::Known(_) = self.membership {
            return Ok(Some(None));
        }
        let found = self.core.store.docs(vec![key.clone()]).await?.pop().flatten();
        let holder = found.as_ref().and_then(|doc| serde_json::from_slice::<Beat>(&doc.data).ok());
        let holder = holder.map(|beat| beat.incarnation);
        match (self.membership, found) {
            (_, Some(doc)) if holder == Some(self.incarnation) => self.membership = Membership::Known(doc.revision),
            (Membership::Joining(before), Some(_)) if holder != before => return Ok(None),
            (Membership::Unknown, Some(_)) => return Ok(None),
            // Nobody is there any more: join anew.
            (_, None) => self.membership = Membership::New,
            _ => {}
        }
        Ok(Some(holder))
    }

    /// The slots alive with the incarnation in each, this one included. A slot seen for the first time gets the
    /// benefit of the doubt. `None` when another process is in this one's slot: the next heartbeat says so for good.
    async fn look_around(&mut self) -> Result<Option<Members>, StoreError> {
        let now = self.core.env.mono();
        let since = now.saturating_sub(std::mem::replace(&mut self.looked, now)).min(COUNTS);
        let docs = self.core.store.scan(Scan::table(MEMBER, MEMBERS)).await?;
        let mut seen = BTreeMap::new();
        let mut members = Members::new();
        let mut mine = false;
        for (_, Doc { key, revision, data }) in docs {
            let silent = match self.others.get(key.id.as_str()) {
                Some((known, silent)) if *known == revision => *silent + since,
                _ => Duration::ZERO,
            };
            let beat: Option<Beat> = serde_json::from_slice(&data).ok();
            if key.id == self.core.settings.slot {
                mine = beat.is_some_and(|beat| beat.incarnation == self.incarnation);
                continue;
            }
            if let Some(beat) = beat.filter(|_| silent < SILENCE) {
                let Beat { incarnation, consumers, .. } = beat;
                members.insert(key.id.to_string(), Member { incarnation, consumers });
            }
            seen.insert(key.id.into(), (revision, silent));
        }
        self.others = seen;
        let alive = members.iter().map(|(slot, member)| (slot.clone(), member.incarnation)).collect();
        if self.alive != alive {
            self.alive = alive;
            self.soon = SOONS;
        }
        let me = Member { incarnation: self.incarnation, consumers: self.core.map.readers() };
        members.insert(self.core.settings.slot.clone(), me);
        Ok(mine.then_some(members))
    }

    /// Holds what the store says this incarnation holds, and nothing else. Only the store knows: a take or a giving
    /// back may have ended Unknown, and while this instance stood still another may have taken over.
    async fn reconcile(&self) -> Result<(), StoreError> {
        let keys = self.resources.iter().map(|resource| resource.key()).collect();
        let docs = self.core.store.docs(keys).await?;
        let mine = |Doc { revision, data, .. }: Doc| {
            let Lease { slot, incarnation, epoch } = serde_json::from_slice(&data).ok()?;
            (slot == self.core.settings.slot && incarnation == self.incarnation).then_some(Held { revision, epoch })
        };
        let mut changed = false;
        for (resource, doc) in self.resources.iter().zip(docs) {
            let mut held = self.core.leases.lock();
            let now = doc.and_then(mine);
            let before = match now {
                Some(now) => held.insert(resource.clone(), now),
                None => held.remove(resource),
            };
            if before.is_some() && now.is_none() {
                self.core.env.sometimes(coverage::LEASE_LOST);
            }
            changed |= before.map(|held| held.revision) != now.map(|held| held.revision);
        }
        if changed {
            self.core.leases.ring();
            self.core.due.look_at_all();
        }
        Ok(())
    }

    async fn take(&self, wanted: &BTreeSet<Resource>, members: &Members) -> Result<(), StoreError> {
        let missing: Vec<&Resource> = wanted.iter().filter(|resource| !self.core.leases.holds(resource)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let keys = missing.iter().map(|resource| resource.key()).collect();
        let found = self.core.store.docs(keys).await?;
        let mut taking = Vec::new();
        for (resource, doc) in missing.into_iter().zip(found) {
            let before: Option<Lease> = doc.as_ref().and_then(|doc| serde_json::from_slice(&doc.data).ok());
            let slot = &self.core.settings.slot;
            // What an earlier process in a slot held is free, though the slot is alive: its successor may not want it.
            let alive = |lease: &Lease| members.get(&lease.slot).is_some_and(|it| it.incarnation == lease.incarnation);
            let free = before.as_ref().is_none_or(|lease| lease.slot == *slot || !alive(lease));
            if free {
                if before.as_ref().is_some_and(|lease| !lease.slot.is_empty()) {
                    self.core.env.sometimes(coverage::TAKEN_OVER);
                }
                let epoch = before.map_or(1, |before| before.epoch + 1);
                let lease = Lease { slot: slot.clone(), incarnation: self.incarnation, epoch };
                let commit = change(resource, doc.map(|doc| doc.revision), &lease);
                let id = commit.id;
                let verdict = self.core.store.commit(commit);
                taking.push(async move { (resource, Held { revision: id, epoch }, verdict.await) });
            }
        }
        let mut failed = None;
        for (resource, held, verdict) in futures::future::join_all(taking).await {
            match verdict {
                Ok(Verdict::Done) => {
                    self.core.leases.lock().insert(resource.clone(), held);
                }
                Ok(Verdict::Refused(_)) => {}
                Err(error) => failed = Some(error),
            }
        }
        self.core.leases.ring();
        self.core.due.look_at_all();
        failed.map_or(Ok(()), Err)
    }

    /// Gives back what is no longer wanted. In-flight Commits are refused by the fence, so nothing waits.
    pub(crate) async fn give_back(&self, unwanted: impl Fn(&Resource) -> bool) -> Result<(), StoreError> {
        let mut giving = Vec::new();
        {
            let mut held = self.core.leases.lock();
            let resources: Vec<Resource> = held.keys().filter(|resource| unwanted(resource)).cloned().collect();
            for resource in resources {
                let Some(Held { revision, epoch }) = held.remove(&resource) else { continue };
                let lease = Lease { slot: String::new(), incarnation: self.incarnation, epoch };
                giving.push(self.core.store.commit(change(&resource, Some(revision), &lease)));
            }
        }
        if giving.is_empty() {
            return Ok(());
        }
        self.core.leases.ring();
        for verdict in futures::future::join_all(giving).await {
            verdict?;
        }
        Ok(())
    }

    fn superseded(&self) {
        self.core.leases.lock().clear();
        self.core.leases.ring();
        self.core.health.over("another process runs in this slot");
        // The slot is on every line of a process already.
        tracing::error!(code = "superseded", "another process runs in this slot; this one stops working");
    }
}

pub(crate) fn change(resource: &Resource, before: Option<CommitId>, lease: &Lease) -> Commit {
    let (incarnation, epoch) = (lease.incarnation.to_string(), lease.epoch.to_string());
    let key = resource.key();
    let mut commit = Commit::new(CommitId(digest(&["lease", &key.id, &lease.slot, &incarnation, &epoch])));
    commit.guards.push(Guard::Doc(key.clone(), before));
    commit.docs.push(DocWrite { key, put: Some(lease_body(lease)) });
    commit
}
