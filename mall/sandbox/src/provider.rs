//! The provider: what it was asked, what it did, and how it behaves today.
//!
//! State is the fold of ledger [`Entry`]s. Deciding ([`Provider::capture`], [`Provider::refund`],
//! [`Provider::settle`]) only makes entries; whoever runs it writes them down first and then
//! [applies](Provider::apply) them.

use std::collections::BTreeMap;

use bongsu_core::id;
use money::Money;
use serde::{Deserialize, Serialize};

/// What is charged for, in the words of whoever asks.
#[id]
pub struct OrderId(String);

/// One line of the ledger. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// A charge was asked for and will be settled, now or later.
    Arrived {
        /// The asker's name for it; the same key is the same charge for ever.
        key: String,
        /// What for.
        order: OrderId,
        /// How much.
        amount: Money,
        /// It must not be charged if it arrives later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_after_ms: Option<i64>,
        /// When.
        at_ms: i64,
    },
    /// The customer's money was taken.
    Captured {
        /// Which charge.
        key: String,
        /// Our name for it.
        capture: String,
        /// When.
        at_ms: i64,
    },
    /// The charge was refused.
    Declined {
        /// Which charge.
        key: String,
        /// Why.
        reason: String,
        /// When.
        at_ms: i64,
    },
    /// The customer has the money back.
    Refunded {
        /// The asker's name for it.
        key: String,
        /// What was captured.
        capture: String,
        /// Our name for it.
        refund: String,
        /// When.
        at_ms: i64,
    },
    /// The operator changed how the provider behaves.
    Behaves {
        /// How from now on.
        behaviour: Behaviour,
        /// When.
        at_ms: i64,
    },
}

/// How the provider behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// In general.
    pub mode: Mode,
    /// How slow, when slow.
    #[serde(default)]
    pub delay_ms: u32,
}

/// How the provider behaves in general.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It takes the money at once.
    #[default]
    Ok,
    /// It refuses every charge.
    Decline,
    /// It takes the money after a while, also when the asker has gone.
    Slow,
    /// It answers nothing but 503. A charge that reached it is stored and settled when it is up again, as
    /// acquirers do: that is how captures come to be that nobody waits for any more.
    Down,
}

/// One charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// What for.
    pub order: OrderId,
    /// How much.
    pub amount: Money,
    /// It must not be charged if it arrives later.
    #[serde(skip)]
    pub not_after_ms: Option<i64>,
    /// When it arrived.
    pub arrived_at_ms: i64,
    /// What became of it.
    #[serde(flatten)]
    pub status: Status,
    /// Given back.
    pub refunded: bool,
}

/// What became of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Status {
    /// Not settled yet.
    Pending,
    /// The money was taken.
    Captured {
        /// Our name for it.
        capture: String,
    },
    /// The charge was refused.
    Declined {
        /// Why.
        reason: String,
    },
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// Our name for it.
    pub refund: String,
    /// What was captured.
    pub capture: String,
    /// How much.
    pub amount: Money,
}

/// A request that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The key names another charge or refund.
    #[error("this key was used for something else")]
    KeyReused,
    /// Nothing was captured under that name.
    #[error("there is no such capture")]
    NoSuchCapture,
    /// It was given back under another key.
    #[error("the capture was refunded before")]
    AlreadyRefunded,
}

/// The provider's books.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    behaviour: Behaviour,
    charges: BTreeMap<String, Charge>,
    refunds: BTreeMap<String, Refund>,
    /// Key of the charge by our name for the capture.
    captures: BTreeMap<String, String>,
    /// Keys of charges not settled yet, oldest first.
    pending: Vec<String>,
}

impl Provider {
    /// The provider after these entries.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut provider = Self::default();
        entries.into_iter().for_each(|entry| provider.apply(entry));
        provider
    }

    /// How it behaves.
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// A charge by its key.
    pub fn charge(&self, key: &str) -> Option<&Charge> {
        self.charges.get(key)
    }

    /// Every charge by key.
    pub fn charges(&self) -> &BTreeMap<String, Charge> {
        &self.charges
    }

    /// A charge by our name for its capture.
    pub fn captured(&self, capture: &str) -> Option<&Charge> {
        self.captures.get(capture).and_then(|key| self.charges.get(key))
    }

    /// A refund by its key.
    pub fn refunded(&self, key: &str) -> Option<&Refund> {
        self.refunds.get(key)
    }

    /// Every refund by key.
    pub fn refunds(&self) -> &BTreeMap<String, Refund> {
        &self.refunds
    }

    /// Takes in a charge; a key it knows changes nothing.
    ///
    /// # Errors
    /// [`Refusal::KeyReused`] when the key names a charge for another order or amount.
    pub fn capture(
        &self,
        key: &str,
        order: &OrderId,
        amount: Money,
        not_after_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<Vec<Entry>, Refusal> {
        if let Some(known) = self.charges.get(key) {
            let same = known.order == *order && known.amount == amount;
            return if same { Ok(Vec::new()) } else { Err(Refusal::KeyReused) };
        }
        let order = order.clone();
        Ok(vec![Entry::Arrived { key: key.to_owned(), order, amount, not_after_ms, at_ms: now_ms }])
    }

    /// Gives a capture back, once.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn refund(&self, key: &str, capture: &str, now_ms: i64) -> Result<Vec<Entry>, Refusal> {
        if let Some(known) = self.refunds.get(key) {
            return if known.capture == capture { Ok(Vec::new()) } else { Err(Refusal::KeyReused) };
        }
        if self.captured(capture).ok_or(Refusal::NoSuchCapture)?.refunded {
            return Err(Refusal::AlreadyRefunded);
        }
        let refund = format!("ref_{}", self.refunds.len() + 1);
        Ok(vec![Entry::Refunded { key: key.into(), capture: capture.into(), refund, at_ms: now_ms }])
    }

    /// Settles every charge that is due. Call it after each change and when [`due`](Self::due) is reached.
    pub fn settle(&self, now_ms: i64) -> Vec<Entry> {
        let due = self.pending.iter().filter(|key| self.due_of(key).is_some_and(|at_ms| at_ms <= now_ms));
        let mut captures = self.captures.len();
        due.map(|key| self.settled(key, &mut captures, now_ms)).collect()
    }

    /// When the next charge is to be settled, if there is one and time alone will do it.
    pub fn due(&self) -> Option<i64> {
        self.pending.iter().filter_map(|key| self.due_of(key)).min()
    }

    /// Takes over an entry that was written down.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Arrived { key, order, amount, not_after_ms, at_ms } => {
                let charge = Charge {
                    order: order.clone(),
                    amount: *amount,
                    not_after_ms: *not_after_ms,
                    arrived_at_ms: *at_ms,
                    status: Status::Pending,
                    refunded: false,
                };
                self.charges.insert(key.clone(), charge);
                self.pending.push(key.clone());
            }
            Entry::Captured { key, capture, .. } => {
                self.close(key, Status::Captured { capture: capture.clone() });
                self.captures.insert(capture.clone(), key.clone());
            }
            Entry::Declined { key, reason, .. } => self.close(key, Status::Declined { reason: reason.clone() }),
            Entry::Refunded { key, capture, refund, .. } => self.give_back(key, capture, refund),
            Entry::Behaves { behaviour, .. } => self.behaviour = *behaviour,
        }
    }

    fn due_of(&self, key: &str) -> Option<i64> {
        let arrived = self.charges.get(key)?.arrived_at_ms;
        match self.behaviour.mode {
            Mode::Ok | Mode::Decline => Some(arrived),
            Mode::Slow => Some(arrived + i64::from(self.behaviour.delay_ms)),
            Mode::Down => None,
        }
    }

    /// Too late is judged by the arrival, not by the settling: a charge that was stored in time is honoured.
    fn settled(&self, key: &str, captures: &mut usize, at_ms: i64) -> Entry {
        let charge = &self.charges[key];
        let key = key.to_owned();
        if charge.not_after_ms.is_some_and(|not_after_ms| charge.arrived_at_ms > not_after_ms) {
            return Entry::Declined { key, reason: "too-late".into(), at_ms };
        }
        if self.behaviour.mode == Mode::Decline {
            return Entry::Declined { key, reason: "insufficient-funds".into(), at_ms };
        }
        *captures += 1;
        Entry::Captured { key, capture: format!("cap_{captures}"), at_ms }
    }

    fn close(&mut self, key: &str, status: Status) {
        self.pending.retain(|pending| pending != key);
        if let Some(charge) = self.charges.get_mut(key) {
            charge.status = status;
        }
    }

    fn give_back(&mut self, key: &str, capture: &str, refund: &str) {
        let Some(charge) = self.captures.get(capture).and_then(|key| self.charges.get_mut(key)) else { return };
        charge.refunded = true;
        let refund = Refund { refund: refund.into(), capture: capture.into(), amount: charge.amount };
        self.refunds.insert(key.into(), refund);
    }
}
