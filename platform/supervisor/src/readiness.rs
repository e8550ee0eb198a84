//! Asks a process whether it is ready: quickly while it starts, now and then afterwards.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::http::Http;

/// While it starts; a process that announces itself is asked at once anyway.
const EAGER: Duration = Duration::from_millis(25);
/// Once it is ready.
const RELAXED: Duration = Duration::from_millis(500);
/// A readiness answer that takes longer is a no.
const LIMIT: Duration = Duration::from_secs(1);

/// What a process says of its readiness, wherever it listens.
pub(crate) struct Watch {
    http: Http,
    nudge: Arc<Notify>,
    tell: mpsc::Sender<Report>,
    answers: mpsc::Receiver<Report>,
    asking: JoinSet<()>,
}

/// What an instance says of itself.
pub(crate) struct Report {
    /// What it has to say although it is ready; or why it is not.
    pub(crate) ready: Result<Option<String>, String>,
    /// Under which configuration it decides.
    pub(crate) revision: Option<String>,
}

impl Watch {
    /// Asks nobody yet.
    pub(crate) fn new(http: Http) -> Self {
        let (tell, answers) = mpsc::channel(1);
        Self { http, nudge: Arc::default(), tell, answers, asking: JoinSet::new() }
    }

    /// Asks there from now on, and nowhere else.
    pub(crate) fn follow(&mut self, addr: String) {
        self.asking.abort_all();
        self.asking.spawn(watch(self.http.clone(), addr, self.nudge.clone(), self.tell.clone()));
    }

    /// Asks at once.
    pub(crate) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// The next answer; may be dropped and asked again.
    pub(crate) async fn next(&mut self) -> Option<Report> {
        self.answers.recv().await
    }
}

/// Asks for ever and tells every answer; `nudge` asks again at once. A process that is ready may have something to say, too.
async fn watch(http: Http, addr: String, nudge: Arc<Notify>, tell: mpsc::Sender<Report>) {
    let url = format!("http://{addr}/health/ready");
    loop {
        let answer = match http.ask(Method::GET, &url, LIMIT).await {
            Ok(reply) => Report::of(reply.status, &reply.body),
            Err(error) => Report { ready: Err(error.to_string()), revision: None },
        };
        let pause = if answer.ready.is_ok() { RELAXED } else { EAGER };
        if tell.send(answer).await.is_err() {
            return;
        }
        tokio::select! { biased;
            () = nudge.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Report {
    fn of(status: u16, body: &[u8]) -> Self {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let reasons = reasons(&body);
        let ready = match status {
            200 => Ok(reasons),
            _ => Err(reasons.unwrap_or_else(|| format!("not ready ({status})"))),
        };
        Self { ready, revision: body["revision"].as_str().map(str::to_owned) }
    }
}

/// The reasons an answer gives.
fn reasons(body: &serde_json::Value) -> Option<String> {
    let text = match (&body["reasons"], &body["detail"]) {
        (serde_json::Value::Array(all), _) => all.iter().filter_map(|it| it.as_str()).collect::<Vec<_>>().join(", "),
        (_, serde_json::Value::String(detail)) => detail.clone(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
