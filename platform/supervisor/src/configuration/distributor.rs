//! Looks at the repository for ever: judges each new commit, hands it out, and sees who has taken it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bongsu_host::config::schema::Setting;
use git2::Oid;
use tokio::time::Instant;

use super::draft::Draft;
use super::folder::Folder;
use super::judge::{Known, judge};
use super::repository::{Bad, Broken, NotRead, Repository, short};
use super::standing::{REGISTERED, Standing, remembered};
use super::{Acknowledged, Refused, Shown};
use crate::data_folder::{DataFolder, DataFolderError};
use crate::fleet::Fleet;
use crate::keeper::Ask;
use crate::logs::Logs;
use crate::machine::now_rfc3339;
use crate::registry::{Instance, Registry, State};
use crate::system_file::{BROKER, GATEWAY, SystemFile};

/// How often the branch is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// An instance that is started again is ready by then, or the next one is not touched.
const READY: Duration = Duration::from_secs(30);

/// Configuration of one system.
pub(crate) struct Distributor {
    repository: Repository,
    folder: Folder,
    /// Everybody there may be a file for.
    services: BTreeSet<String>,
    data: Arc<DataFolder>,
    registry: Arc<Registry>,
    logs: Arc<Logs>,
    state: Mutex<Standing>,
    /// One decision at a time.
    turn: tokio::sync::Mutex<()>,
}

/// What became of a look.
enum Judged {
    /// Everybody takes it, these services after a restart.
    Taken(Draft, BTreeMap<String, Vec<String>>),
    /// Somebody is about to say what can be set of him.
    Early,
    Bad(String),
}

impl Distributor {
    /// Opens what was kept, and takes the newest commit if what is kept suffices to judge it; nothing where a system names no
    /// repository.
    pub(crate) fn of(
        system: &SystemFile,
        data: &Arc<DataFolder>,
        registry: &Arc<Registry>,
        logs: &Arc<Logs>,
    ) -> Result<Option<Arc<Self>>, DataFolderError> {
        let Some(configuration) = &system.configuration else { return Ok(None) };
        let failed = |why| DataFolderError::Io { path: data.path().to_path_buf(), why };
        let folder = Folder::open(data.path()).map_err(failed)?;
        let services = system.services.iter().map(|service| service.name.clone());
        let services = services.chain([BROKER, GATEWAY].map(str::to_owned)).collect();
        let registered = remembered(data.path(), &services);
        let accepted = folder.last();
        let accepted_at = accepted.as_ref().map(|_| Instant::now());
        let state = Standing { accepted, accepted_at, registered, ..Standing::default() };
        let this = Arc::new(Self {
            repository: Repository {
                path: configuration.path(&system.folder),
                environment: configuration.environment.clone(),
                branch: configuration.branch.clone(),
            },
            folder,
            services,
            data: data.clone(),
            registry: registry.clone(),
            logs: logs.clone(),
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
        });
        // Nobody runs yet, so nothing needs a restart.
        this.look();
        Ok(Some(this))
    }

    /// Where it is handed out.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Looks for ever.
    pub(crate) async fn watch(self: Arc<Self>, fleet: Arc<Fleet>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let turn = self.turn.lock().await;
            let this = self.clone();
            let before = self.counts();
            // Git reads files, and a file system may be slow.
            let restarts = tokio::task::spawn_blocking(move || {
                let mut restarts = this.hear();
                restarts.append(&mut this.look());
                restarts
            });
            let restarts = restarts.await.unwrap_or_default();
            if self.counts() != before {
                self.try_again(&fleet).await;
            }
            // Why it was taken back is logged and shown.
            let _taken_back = self.restart(&fleet, restarts).await;
            drop(turn);
        }
    }

    /// The name of what counts.
    fn counts(&self) -> Option<String> {
        self.lock().accepted.as_ref().map(|draft| draft.revision.clone())
    }

    /// Who ended because of what counted before may be able to mean this.
    async fn try_again(&self, fleet: &Fleet) {
        for row in self.registry.instances().into_iter().filter(|row| row.state == State::Refused) {
            fleet.ask(&row.instance, Ask::Start).await;
        }
    }

    /// Takes the newest commit although it needs restarts, and starts those services again, one instance after the other.
    ///
    /// # Errors
    /// Why it cannot be taken, in one line.
    pub(crate) async fn apply(self: &Arc<Self>, fleet: &Fleet) -> Result<Shown, String> {
        let _turn = self.turn.lock().await;
        let this = self.clone();
        let judged = tokio::task::spawn_blocking(move || {
            let head = this.repository.head().map_err(|Broken(why)| why)?;
            if this.counts().is_some_and(|revision| revision == short(head)) {
                return Ok(BTreeSet::new());
            }
            match this.judge(head) {
                Err(Broken(why)) | Ok(Judged::Bad(why)) => Err(why),
                Ok(Judged::Early) => Err("not everybody has registered yet what can be set of him".to_owned()),
                Ok(Judged::Taken(draft, restarts)) => {
                    let restarts: BTreeSet<String> = restarts.into_keys().collect();
                    this.take(head, draft, restarts.clone())?;
                    Ok(restarts)
                }
            }
        });
        let restarts = judged.await.unwrap_or_else(|_| Err("the commit could not be read".to_owned()))?;
        self.try_again(fleet).await;
        self.restart(fleet, restarts).await?;
        Ok(self.show())
    }

    /// What there is to say.
    pub(crate) fn show(&self) -> Shown {
        let state = self.lock();
        let revision = state.accepted.as_ref().map(|draft| draft.revision.clone());
        let reason = state.reason();
        let word = if state.waits {
            "waiting"
        } else if reason.is_some() {
            "stale"
        } else {
            "current"
        };
        let rows = self.registry.instances();
        let takes_part = rows.into_iter().filter(|row| row.settings.is_some());
        let instances = takes_part.map(|row| Acknowledged {
            acknowledged: revision.is_some() && row.revision == revision,
            instance: row.instance,
            revision: row.revision,
            out: row.behind,
        });
        Shown {
            repository: self.repository.path.display().to_string(),
            environment: self.repository.environment.clone(),
            branch: self.repository.branch.clone(),
            head: state.head.map(short),
            state: word.to_owned(),
            refused: state.refused.clone(),
            instances: instances.collect(),
            reason,
            revision,
        }
    }

    /// What can be set of a service, as it registered last.
    pub(crate) fn registered(&self, service: &str) -> Option<Vec<Setting>> {
        self.lock().registered.get(service).filter(|settings| !settings.is_empty()).cloned()
    }

    /// Hears what instances have registered, taken and not taken. Instances that are to be started again, because what they were
    /// started for is taken back.
    fn hear(&self) -> BTreeSet<String> {
        let rows = self.registry.instances();
        let mut state = self.lock();
        if state.register(&rows) {
            let text = serde_json::to_string(&state.registered).expect("plain data can always be written as JSON");
            if let Err(error) = self.data.write(REGISTERED, &text) {
                self.logs.note("WARN", &format!("what is registered cannot be kept: {error}"));
            }
        }
        let again = state.refusal(&rows).map(|why| self.take_back(&mut state, why)).unwrap_or_default();
        let Some(revision) = state.accepted.as_ref().map(|draft| &draft.revision) else { return again };
        for row in rows.iter().filter(|row| row.settings.is_some()) {
            let behind = state.is_behind(row);
            if behind == row.behind {
                continue;
            }
            self.registry.update(&row.instance, |row| row.behind = behind);
            let instance = &row.instance;
            if behind {
                let line = format!("{instance} does not take configuration {revision} and gets no requests");
                self.logs.note("WARN", &line);
            } else {
                self.logs.note("INFO", &format!("{instance} has taken configuration {revision}"));
            }
        }
        again
    }

    /// Takes what counts back from all. Instances that are to be started again: they run by what counted no longer.
    fn take_back(&self, state: &mut Standing, reason: String) -> BTreeSet<String> {
        let Some(revision) = state.accepted.as_ref().map(|draft| draft.revision.clone()) else {
            return BTreeSet::new();
        };
        let back = state.before.take();
        let handed = match &back {
            Some(before) => self.folder.publish(before),
            None => self.folder.withdraw(),
        };
        if let Err(error) = handed {
            self.logs.note("ERROR", &format!("configuration {revision} cannot be taken back: {error}"));
            return BTreeSet::new();
        }
        self.logs.note("WARN", &format!("configuration {revision} is taken back: {reason}"));
        state.accepted = back;
        state.accepted_at = Some(Instant::now());
        state.refused = Some(Refused { revision: revision.clone(), reason: reason.clone(), at: now_rfc3339() });
        state.withdrawn.insert(revision, reason);
        self.say(state);
        let again = std::mem::take(&mut state.restarted);
        let rows = self.registry.instances();
        state.restarting.extend(rows.into_iter().filter(|row| again.contains(&row.instance)).map(|row| row.name));
        again
    }

    /// Looks at the branch, and takes what is new there. Services that are to be started again: there are some only when
    /// nothing counted before.
    fn look(&self) -> BTreeSet<String> {
        let head = self.repository.head();
        let mut state = self.lock();
        let broken = head.as_ref().err().map(ToString::to_string);
        if broken != state.broken {
            let line = broken.as_deref().map_or("the configuration can be read again", |why| why);
            self.logs.note(if broken.is_some() { "WARN" } else { "INFO" }, &format!("configuration: {line}"));
            state.broken = broken;
            self.say(&state);
        }
        let Ok(head) = head else { return BTreeSet::new() };
        let asked = (head, state.registrations);
        if state.judged == Some(asked) {
            return BTreeSet::new();
        }
        state.head = Some(head);
        let revision = short(head);
        if state.accepted.as_ref().is_some_and(|accepted| accepted.revision == revision) {
            // A branch that was pushed back to what counts, or what was kept.
            state.judged = Some(asked);
            state.refused = None;
            state.waits = false;
            state.accepted_at.get_or_insert_with(Instant::now);
            self.say(&state);
            return BTreeSet::new();
        }
        let is_first = state.accepted.is_none();
        let withdrawn = state.withdrawn.get(&revision).cloned();
        drop(state);
        let refused = match self.judge(head) {
            // Looked at again, and said once.
            Err(Broken(_)) => return BTreeSet::new(),
            Ok(Judged::Early) => {
                self.lock().waits = true;
                return BTreeSet::new();
            }
            Ok(Judged::Taken(..)) if withdrawn.is_some() => withdrawn,
            Ok(Judged::Taken(draft, restarts)) if restarts.is_empty() || is_first => {
                let restarts: BTreeSet<String> = restarts.into_keys().collect();
                match self.take(head, draft, restarts.clone()) {
                    Ok(()) => return restarts,
                    Err(why) => Some(why),
                }
            }
            Ok(Judged::Taken(_, restarts)) => Some(needs_a_restart(&restarts)),
            Ok(Judged::Bad(why)) => Some(why),
        };
        let mut state = self.lock();
        state.judged = Some(asked);
        state.waits = false;
        if let Some(reason) = refused {
            self.logs.note("WARN", &format!("configuration {revision} is refused: {reason}"));
            state.refused = Some(Refused { revision, reason, at: now_rfc3339() });
        }
        self.say(&state);
        BTreeSet::new()
    }

    fn judge(&self, head: Oid) -> Result<Judged, Broken> {
        let draft = match self.repository.read(head) {
            Ok(draft) => draft,
            Err(NotRead::Broken(broken)) => return Err(broken),
            Err(NotRead::Bad(Bad(why))) => return Ok(Judged::Bad(why)),
        };
        let rows = self.registry.instances();
        let state = self.lock();
        let about_to = |row: &Instance| matches!(row.state, State::Waiting | State::Starting | State::Restarting);
        let is_early = rows.iter().any(|row| about_to(row) && !state.registered.contains_key(&row.name));
        let running: BTreeSet<String> = rows.into_iter().filter(|row| row.pid.is_some()).map(|row| row.name).collect();
        let known = Known {
            services: &self.services,
            registered: &state.registered,
            running: &running,
            before: state.accepted.as_ref(),
        };
        Ok(match judge(&draft, &known) {
            _ if is_early => Judged::Early,
            Ok(restarts) => Judged::Taken(draft, restarts),
            Err(why) => Judged::Bad(why),
        })
    }

    /// Hands it out.
    fn take(&self, head: Oid, draft: Draft, restarts: BTreeSet<String>) -> Result<(), String> {
        let mut state = self.lock();
        // Before anybody reads it: whoever is started again is not expected to take it as it runs.
        state.restarting.extend(restarts.iter().cloned());
        let handed = self.folder.publish(&draft).map_err(|error| format!("it cannot be handed out: {error}"));
        if handed.is_err() {
            state.restarting.clear();
            return handed;
        }
        self.logs.note("INFO", &format!("configuration {} is accepted", draft.revision));
        state.withdrawn.remove(&draft.revision);
        state.before = state.accepted.replace(draft);
        state.restarted.clear();
        state.accepted_at = Some(Instant::now());
        state.head = Some(head);
        state.judged = Some((head, state.registrations));
        state.refused = None;
        state.waits = false;
        state.broken = None;
        self.say(&state);
        Ok(())
    }

    /// Starts services (or instances) again for what counts. If one does not come back with it, it is taken back.
    ///
    /// # Errors
    /// Who did not come back, and why.
    async fn restart(&self, fleet: &Fleet, names: BTreeSet<String>) -> Result<(), String> {
        let started = self.start_again(fleet, &names).await;
        if let Err(why) = &started {
            let again = self.take_back(&mut self.lock(), why.clone());
            self.try_again(fleet).await;
            // Who does not come back even so is shown as any other that fails.
            let _shown = self.start_again(fleet, &again).await;
        }
        let mut state = self.lock();
        if !state.restarting.is_empty() {
            state.restarting.clear();
            // Those that came last have their time, too.
            state.accepted_at = Some(Instant::now());
        }
        started
    }

    /// One instance after the other; the next one only when the one before is ready.
    async fn start_again(&self, fleet: &Fleet, names: &BTreeSet<String>) -> Result<(), String> {
        let is_named = |row: &Instance| names.contains(&row.name) || names.contains(&row.instance);
        let runs = |row: &Instance| is_named(row) && row.pid.is_some();
        for row in self.registry.instances().into_iter().filter(runs) {
            self.logs.note("INFO", &format!("{} is started again for its configuration", row.instance));
            fleet.ask(&row.instance, Ask::Restart).await;
            let is_over = |rows: &[Instance]| {
                let mut these = rows.iter().filter(|now| now.instance == row.instance);
                // One that nobody could take over from goes on.
                these.all(|now| now.run.number != row.run.number && now.state.is_settled())
            };
            self.registry.wait_until(READY, is_over).await;
            let now = self.registry.matching(&row.instance).pop();
            if now.as_ref().is_some_and(|now| now.pid != row.pid) {
                self.lock().restarted.insert(row.instance.clone());
            }
            if let Some(now) = now.filter(|now| now.state != State::Ready || now.pid == row.pid) {
                let why = now.not_replaced.or(now.detail).unwrap_or_else(|| now.state.word().to_owned());
                return Err(format!("{} does not come back with it: {why}", row.instance));
            }
        }
        Ok(())
    }

    /// Says to everybody who starts or runs whether what he has is the newest.
    fn say(&self, state: &Standing) {
        if let Err(error) = self.folder.say(state.reason().as_deref()) {
            self.logs.note("WARN", &format!("nobody can be told how old the configuration is: {error}"));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn needs_a_restart(restarts: &BTreeMap<String, Vec<String>>) -> String {
    let keys = restarts.iter().map(|(service, keys)| format!("{} of {service}", keys.join(", ")));
    let keys: Vec<String> = keys.collect();
    let are = if restarts.values().map(Vec::len).sum::<usize>() == 1 { "is" } else { "are" };
    format!(
        "{} {are} taken at start alone: 'bongsu config apply' takes this commit and starts who needs it again",
        keys.join(" and ")
    )
}
