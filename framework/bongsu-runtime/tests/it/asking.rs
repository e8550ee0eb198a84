//! What one service asks another: a deadline that shrinks, a breaker, places, a budget, something instead.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Asks, Behalf, DEADLINE, Handle, Metric, Peer, Question, Rules, Runtime, Service, Settings, Unanswered,
    Value,
    ports::{
        Fut,
        env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse},
    },
};
use bytes::Bytes;
use futures::future::join_all;

use crate::world::PausedEnv;

const SECOND: Duration = Duration::from_secs(1);

/// What a service does when it is asked.
#[derive(Clone, Copy)]
enum Act {
    Answer(u16),
    Break,
    Hang,
    /// Answers well after so many ms.
    After(u64),
}

/// The services of this test: what is not scripted is done by `otherwise`.
struct Town {
    script: Mutex<VecDeque<Act>>,
    otherwise: Mutex<Act>,
    asked: Mutex<Vec<HttpRequest>>,
}

impl HttpClient for Town {
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        self.asked.lock().unwrap().push(request);
        let act = self.script.lock().unwrap().pop_front().unwrap_or(*self.otherwise.lock().unwrap());
        Box::pin(async move {
            let answer = |status| Ok(HttpResponse { status, body: Bytes::from_static(b"its own") });
            match act {
                Act::Answer(status) => answer(status),
                Act::Break => Err(HttpError("connection reset".into())),
                Act::Hang => std::future::pending().await,
                Act::After(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    answer(200)
                }
            }
        })
    }
}

struct Bench {
    town: Arc<Town>,
    env: Arc<PausedEnv>,
    handle: Handle,
    peer: Peer,
    _runtime: Runtime,
}

impl Bench {
    fn new(asks: Asks, otherwise: Act) -> Self {
        let town = Town { script: Mutex::default(), otherwise: Mutex::new(otherwise), asked: Mutex::default() };
        let (town, env) = (Arc::new(town), PausedEnv::new());
        let adapters = Adapters {
            store: Arc::new(MemoryStore::with_env(env.clone())),
            broker: Arc::new(MemoryBroker::new(env.clone())),
            env: env.clone(),
            http: town.clone(),
        };
        let runtime = Runtime::start(Service::new("house").asks("bell", asks), adapters, Settings::default());
        let handle = runtime.handle();
        Self { town, env, peer: handle.peer("bell"), handle, _runtime: runtime }
    }

    /// Asks, patiently.
    async fn ask(&self) -> Result<u16, Unanswered> {
        self.peer.ask(&Behalf::default(), Question::get("/rings/1")).await.map(|answered| answered.status)
    }

    fn script(&self, acts: &[Act]) {
        self.town.script.lock().unwrap().extend(acts);
    }

    fn calls(&self) -> usize {
        self.town.asked.lock().unwrap().len()
    }

    async fn metric(&self, name: &str, end: &str) -> Value {
        let fits = |metric: &Metric| metric.name == name && metric.labels.iter().any(|(_, value)| value == end);
        self.handle.operator().metrics().await.into_iter().find(fits).unwrap().value
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_hears_who_asks_and_how_long_he_still_waits() {
    let bench = Bench::new(Asks::within(SECOND), Act::Answer(404));
    let headers = vec![("x-bongsu-principal".to_owned(), "ann".to_owned())];
    let patient = Behalf { headers: headers.clone(), until: None };
    assert_eq!(bench.peer.ask(&patient, Question::get("/rings/1")).await.unwrap().status, 404, "that is an answer");
    let hurried = Behalf { headers, until: Some(bench.env.mono() + Duration::from_millis(300)) };
    bench.peer.ask(&hurried, Question::post("/rings", "k1", "{}")).await.unwrap();
    let asked = bench.town.asked.lock().unwrap().clone();
    let said = |at: usize, name: &str| {
        asked[at].headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    assert_eq!((asked[0].url.as_str(), asked[0].method), ("http://bell/rings/1", "GET"));
    assert_eq!((said(0, DEADLINE).as_deref(), said(1, DEADLINE).as_deref()), (Some("1000"), Some("290")));
    assert_eq!(
        (said(1, "x-bongsu-principal").as_deref(), said(1, "idempotency-key").as_deref()),
        (Some("ann"), Some("k1"))
    );
    assert_eq!(asked[1].deadline, Duration::from_millis(290));
    bench.peer.ask(&Behalf::default(), Question::get("@elsewhere/")).await.unwrap();
    assert_eq!(bench.town.asked.lock().unwrap()[2].url, "http://bell/@elsewhere/", "a path leads to nobody else");
}

#[tokio::test(start_paused = true)]
async fn a_call_for_which_there_is_no_time_is_not_made() {
    let bench = Bench::new(Asks::within(SECOND), Act::Answer(200));
    tokio::time::sleep(SECOND).await;
    for left_ms in [0, 1, 10] {
        let late = Behalf { until: Some(bench.env.mono() + Duration::from_millis(left_ms)), ..Behalf::default() };
        assert_eq!(bench.peer.ask(&late, Question::get("/")).await, Err(Unanswered::NoTime), "{left_ms}");
    }
    let over = Behalf { until: Some(Duration::ZERO), ..Behalf::default() };
    assert_eq!(bench.peer.ask(&over, Question::get("/")).await, Err(Unanswered::NoTime));
    assert_eq!(bench.calls(), 0);
    assert_eq!(bench.metric("bongsu_asks", "no-time").await, Value::Counter(4));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_late_by_the_deadline_and_holds_his_places_only() {
    let bench = Bench::new(Asks::within(SECOND).at_once(3), Act::Hang);
    let began = bench.env.mono();
    let asked = join_all((0..10).map(|_| bench.ask())).await;
    assert_eq!(bench.env.mono() - began, SECOND);
    let of = |why: &Unanswered| asked.iter().filter(|one| one.as_ref() == Err(why)).count();
    assert_eq!((of(&Unanswered::Late), of(&Unanswered::Busy), bench.calls()), (3, 7, 3));
    assert_eq!(bench.metric("bongsu_ask_breaker_unanswered_calls", "bell").await, Value::Gauge(0));
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_gives_his_place_back_and_says_nothing() {
    let bench = Bench::new(Asks::within(SECOND).at_once(1), Act::Hang);
    for _ in 0..50 {
        let asked = tokio::time::timeout(Duration::from_millis(100), bench.ask()).await;
        assert!(asked.is_err(), "{asked:?}");
    }
    assert_eq!(bench.calls(), 50);
    assert_eq!(bench.metric("bongsu_ask_breaker_calls", "bell").await, Value::Gauge(0));
}

#[tokio::test(start_paused = true)]
async fn who_fails_is_left_alone_and_is_tried_again_by_itself() {
    let breaks = [Act::Answer(500), Act::Answer(503), Act::Break, Act::Hang];
    for act in breaks {
        let bench = Bench::new(Asks::within(SECOND).again(0), act);
        let mut failed = 0;
        while !matches!(bench.ask().await, Err(Unanswered::Open(_))) {
            failed += 1;
        }
        assert_eq!((failed, bench.calls()), (5, 5));
        assert_eq!(bench.metric("bongsu_ask_breaker_state", "bell").await, Value::Gauge(2));
        let reasons = bench.handle.operator().metrics().await;
        let reason = reasons.into_iter().find(|metric| metric.name == "bongsu_ask_breaker_reason").unwrap().labels;
        assert!(reason[1].1.starts_with("5 calls in a row failed; the last: "), "{reason:?}");
        *bench.town.otherwise.lock().unwrap() = Act::Answer(200);
        tokio::time::sleep(SECOND).await;
        for _ in 0..3 {
            assert_eq!(bench.ask().await, Ok(200));
        }
        assert_eq!(bench.metric("bongsu_ask_breaker_state", "bell").await, Value::Gauge(0));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_is_left_alone_before_the_first_answer_is_late() {
    let rules = Rules { least: 4, slow_ms: 100, ..Rules::default() };
    let bench = Bench::new(Asks::within(SECOND).breaker(rules), Act::After(900));
    let asked = join_all((0..4).map(|_| bench.ask()));
    let later = async {
        tokio::time::sleep(Duration::from_millis(101)).await;
        bench.ask().await
    };
    let (asked, later) = futures::join!(asked, later);
    assert!(matches!(later, Err(Unanswered::Open(_))), "{later:?}");
    assert!(asked.iter().all(|one| *one == Ok(200)), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn whom_there_was_little_time_for_is_not_to_blame() {
    let bench = Bench::new(Asks::within(SECOND), Act::Hang);
    for _ in 0..100 {
        let hurried = Behalf { until: Some(bench.env.mono() + Duration::from_millis(400)), ..Behalf::default() };
        assert_eq!(bench.peer.ask(&hurried, Question::get("/")).await, Err(Unanswered::Late));
    }
    assert_eq!(bench.metric("bongsu_ask_breaker_state", "bell").await, Value::Gauge(0));
}

#[tokio::test(start_paused = true)]
async fn what_broke_is_asked_again_only_if_it_does_no_harm() {
    let (read, keyed) = (Question::get("/"), Question::post("/", "k", "{}"));
    for (question, knows_keys, calls) in [(&read, false, 2), (&keyed, false, 1), (&keyed, true, 2)] {
        let asks = Asks::within(SECOND);
        let bench = Bench::new(if knows_keys { asks.knows_keys() } else { asks }, Act::Answer(200));
        bench.script(&[Act::Break]);
        let answered = bench.peer.ask(&Behalf::default(), question.clone()).await;
        assert_eq!((answered.is_ok(), bench.calls()), (calls == 2, calls), "{question:?} {knows_keys}");
    }
    let bench = Bench::new(Asks::within(SECOND), Act::Answer(500));
    assert_eq!((bench.ask().await, bench.calls()), (Err(Unanswered::Failed(500)), 1), "it was answered");
}

#[tokio::test(start_paused = true)]
async fn when_a_share_breaks_no_more_than_a_share_is_asked_again() {
    let rules = Rules { consecutive: 0, failed_percent: 100, ..Rules::default() };
    let bench = Bench::new(Asks::within(SECOND).breaker(rules), Act::Answer(200));
    for _ in 0..500 {
        bench.script(&[Act::Break]);
        let _ = bench.ask().await;
        assert!(bench.town.script.lock().unwrap().is_empty());
    }
    assert!((600..=602).contains(&bench.calls()), "{} calls for 500", bench.calls());
    assert_eq!(bench.metric("bongsu_ask_repeats", "bell").await, Value::Counter(bench.calls() as u64 - 500));
}

#[tokio::test(start_paused = true)]
async fn what_there_is_instead_says_of_what() {
    let bench = Bench::new(Asks::within(SECOND).instead("nothing yet"), Act::Answer(503));
    let answered = bench.peer.ask(&Behalf::default(), Question::get("/")).await.unwrap();
    assert_eq!((answered.status, &answered.body[..]), (200, &b"nothing yet"[..]));
    assert_eq!(answered.instead_of, Some(Unanswered::Failed(503)));
    *bench.town.otherwise.lock().unwrap() = Act::Answer(200);
    let answered = bench.peer.ask(&Behalf::default(), Question::get("/")).await.unwrap();
    assert_eq!((&answered.body[..], answered.instead_of), (&b"its own"[..], None));
    assert_eq!(bench.metric("bongsu_ask_fallbacks", "bell").await, Value::Counter(1));
}

#[tokio::test(start_paused = true)]
async fn whom_the_map_does_not_declare_is_not_asked_and_keeps_the_process_from_starting() {
    let bench = Bench::new(Asks::within(SECOND), Act::Answer(200));
    assert_eq!(bench.handle.check_peers(), Ok(()));
    let other = bench.handle.peer("tower");
    let asked = other.ask(&Behalf::default(), Question::get("/")).await;
    assert_eq!((asked, bench.calls()), (Err(Unanswered::Undeclared), 0));
    let line = bench.handle.check_peers().unwrap_err().to_string();
    assert_eq!(line, "house asks tower, which its map does not say: .asks(\"tower\", …)");
}

#[test]
fn a_map_that_asks_nonsense_is_refused_by_name() {
    let asks = || Asks::within(SECOND);
    let cases = [
        (Service::new("house").asks("bell", asks()).asks("bell", asks()), "bell is asked twice"),
        (Service::new("house").asks("house", asks()), "house is asked twice, or is this context itself"),
        (Service::new("house").asks("b/x", asks()), "\"b/x\" is no name"),
        (Service::new("house").asks("", asks()), "\"\" is no name"),
        (
            Service::new("house").asks("bell", Asks::within(Duration::ZERO)),
            "bell cannot be asked like this: a deadline",
        ),
        (Service::new("house").asks("bell", Asks::within(Duration::from_secs(61))), "a deadline is from 1 ms to 60s"),
        (Service::new("house").asks("bell", asks().at_once(0)), "no call may be made"),
        (Service::new("house").asks("bell", asks().budget_percent(101)), "a budget is from 0 to 100"),
    ];
    for (service, why) in cases {
        let line = service.check().unwrap_err().to_string();
        assert!(line.contains(why), "{line}");
    }
}
