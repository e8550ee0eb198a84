//! How it stands: what counts, what counted, who has registered what, and who does not take it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use bongsu_host::config::schema::Setting;
use git2::Oid;
use tokio::time::Instant;

use super::Refused;
use super::draft::Draft;
use crate::registry::{Instance, State};
use crate::system_file::GATEWAY;

/// Who has not said by then that he took it gets no requests: the second in which everybody is to, and the half in which he is
/// asked again.
const GRACE: Duration = Duration::from_secs(2);
/// What each service registered last, in the data folder.
pub(super) const REGISTERED: &str = "registered.json";

/// How it stands with configuration now.
#[derive(Default)]
pub(super) struct Standing {
    /// What everybody is to decide under.
    pub(super) accepted: Option<Draft>,
    pub(super) accepted_at: Option<Instant>,
    /// What counted before that.
    pub(super) before: Option<Draft>,
    pub(super) head: Option<Oid>,
    /// The head that was judged last, by what was registered then.
    pub(super) judged: Option<(Oid, u64)>,
    /// What each service has registered, now or when it ran last, and how often that has changed.
    pub(super) registered: BTreeMap<String, Vec<Setting>>,
    pub(super) registrations: u64,
    pub(super) refused: Option<Refused>,
    pub(super) broken: Option<String>,
    /// Builds that are about to register are waited for.
    pub(super) waits: bool,
    /// Services that are being started again, and are no matter until they are.
    pub(super) restarting: BTreeSet<String>,
    /// Instances that were for what counts: they are once more if that is taken back.
    pub(super) restarted: BTreeSet<String>,
    /// What instances did not take, and so nobody is to; and why.
    pub(super) withdrawn: BTreeMap<String, String>,
}

impl Standing {
    /// Hears what instances have registered; whether that changed anything.
    pub(super) fn register(&mut self, rows: &[Instance]) -> bool {
        let mut changed = false;
        // Who is ready and has said nothing takes no part.
        for row in rows.iter().filter(|row| row.state == State::Ready && row.settings.is_none()) {
            changed |= !self.registered.contains_key(&row.name);
            self.registered.entry(row.name.clone()).or_default();
        }
        // Of several builds of one service, the last: they would take turns otherwise.
        let said: BTreeMap<_, _> = rows.iter().filter_map(|row| Some((&row.name, row.settings.as_ref()?))).collect();
        for (name, settings) in said {
            changed |= self.registered.get(name).is_none_or(|known| !same_keys(known, settings));
            self.registered.insert(name.clone(), settings.to_vec());
        }
        self.registrations += u64::from(changed);
        changed
    }

    /// Whether that instance is to get no requests, because it runs by something else than what counts.
    pub(super) fn is_behind(&self, row: &Instance) -> bool {
        let Some((wanted, at)) = self.accepted.as_ref().zip(self.accepted_at) else { return false };
        let is_other = row.revision.as_ref() != Some(&wanted.revision);
        let is_late = is_other && at.elapsed() > GRACE && !self.restarting.contains(&row.name);
        // A gateway takes its requests from the socket of all of them: nobody sends it none.
        is_late && row.name != GATEWAY
    }

    /// Why an instance does not take what counts, although what it registered allows it.
    pub(super) fn refusal(&self, rows: &[Instance]) -> Option<String> {
        let revision = &self.accepted.as_ref()?.revision;
        rows.iter().find_map(|row| match &row.refused {
            Some((refused, why)) if refused == revision && !self.restarting.contains(&row.name) => {
                Some(format!("{} does not take it: {why}", row.instance))
            }
            _ => None,
        })
    }

    /// Why what counts is not the newest, if it is not.
    pub(super) fn reason(&self) -> Option<String> {
        let refused =
            self.refused.as_ref().map(|refused| format!("{} was refused: {}", refused.revision, refused.reason));
        self.broken.clone().or(refused)
    }
}

/// What those who are there have registered when they ran last.
pub(super) fn remembered(data: &Path, services: &BTreeSet<String>) -> BTreeMap<String, Vec<Setting>> {
    let kept = fs::read(data.join(REGISTERED)).ok().and_then(|kept| serde_json::from_slice(&kept).ok());
    let mut registered: BTreeMap<String, Vec<Setting>> = kept.unwrap_or_default();
    registered.retain(|name, _| services.contains(name));
    registered
}

/// Whether two registrations allow the same.
fn same_keys(known: &[Setting], now: &[Setting]) -> bool {
    let same = |(a, b): (&Setting, &Setting)| (&a.key, &a.kind, a.live) == (&b.key, &b.kind, b.live);
    known.len() == now.len() && known.iter().zip(now).all(same)
}
