//! Once-keys in a SQLite file, a day later.

use std::{path::Path, sync::Arc, time::Duration};

use bongsu::{
    Adapters, Answer, Call, CommandId, Ctx, Once, Reply, Runtime, Script, Service, Settings,
    host::{HyperClient, TokioEnv},
    ports::{
        Fut,
        env::{Env, Task},
        store::{DocKey, Scan, Store},
    },
};
use bongsu_memory::MemoryBroker;
use bongsu_sqlite::{Options, SqliteStore};

/// The machine, some time later.
struct Later(Arc<dyn Env>, Duration);

impl Env for Later {
    fn wall_ms(&self) -> i64 {
        self.0.wall_ms() + self.1.as_millis() as i64
    }

    fn mono(&self) -> Duration {
        self.0.mono()
    }

    fn sleep(&self, how_long: Duration) -> Fut<'static, ()> {
        self.0.sleep(how_long)
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    fn spawn(&self, name: &'static str, task: Fut<'static, ()>) -> Box<dyn Task> {
        self.0.spawn(name, task)
    }
}

/// Runs the same keyed command so much later, once so many keys are kept; its answer.
async fn ask(folder: &Path, later: Duration, kept: fn(usize) -> bool) -> Answer {
    let env: Arc<dyn Env> = Arc::new(Later(Arc::new(TokioEnv::new(None).unwrap()), later));
    let store = Arc::new(SqliteStore::open(folder.join("notes.db"), Options::default()).unwrap());
    let adapters = Adapters {
        store: store.clone(),
        broker: Arc::new(MemoryBroker::new(env.clone())),
        env: env.clone(),
        http: Arc::new(HyperClient::new()),
    };
    let runtime = Runtime::start(Service::new("notes"), adapters, Settings::default());
    let looked = async {
        loop {
            let keys = store.scan(Scan::table("once", 10)).await.unwrap();
            if kept(keys.len()) {
                return;
            }
            env.sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looked).await.expect("so many keys are kept");
    let call = Call {
        ctx: Ctx::new(env.wall_ms(), CommandId::from_parts(&["note"]), "ann"),
        once: Some(Once { key: "note".into(), body: "x".into() }),
    };
    let note = |script: &mut Script<'_>| {
        let notes = script.get::<u32>("notes", "ann").unwrap_or(0) + 1;
        script.put("notes", "ann", &notes, Vec::new());
        Ok(Reply { status: 200, headers: Vec::new(), body: notes.to_string().into() })
    };
    let answer = runtime.handle().script(&call, &[DocKey::new("notes", "ann")], &note).await.unwrap();
    runtime.stop().await;
    answer
}

#[tokio::test]
async fn a_key_is_known_for_a_day_and_forgotten_after_it() {
    const MINUTE: Duration = Duration::from_secs(60);
    let folder = tempfile::tempdir().unwrap();
    let at = async |later, kept| {
        let answer = ask(folder.path(), later, kept).await;
        (answer.replayed, answer.reply.body)
    };
    assert_eq!(at(Duration::ZERO, |kept| kept == 0).await, (false, "1".into()));
    assert_eq!(at(1_439 * MINUTE, |kept| kept == 1).await, (true, "1".into()));
    assert_eq!(at(1_441 * MINUTE, |kept| kept == 0).await, (false, "2".into()));
    assert_eq!(at(1_442 * MINUTE, |kept| kept == 1).await, (true, "2".into()));
}
