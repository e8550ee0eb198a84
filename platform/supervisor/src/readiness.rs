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
    tell: mpsc::Sender<Readiness>,
    answers: mpsc::Receiver<Readiness>,
    asking: JoinSet<()>,
}

/// Ready, with what there is to say, or why not.
pub(crate) type Readiness = Result<Option<String>, String>;

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
    pub(crate) async fn next(&mut self) -> Option<Readiness> {
        self.answers.recv().await
    }
}

/// Asks for ever and tells every answer; `nudge` asks again at once. A process that is ready may have something to say, too.
async fn watch(http: Http, addr: String, nudge: Arc<Notify>, tell: mpsc::Sender<Readiness>) {
    let url = format!("http://{addr}/health/ready");
    loop {
        let answer = match http.ask(Method::GET, &url, LIMIT).await {
            Ok(answer) if answer.status == 200 => Ok(reasons(&answer.body)),
            Ok(answer) => Err(reasons(&answer.body).unwrap_or_else(|| format!("not ready ({})", answer.status))),
            Err(error) => Err(error.to_string()),
        };
        let pause = if answer.is_ok() { RELAXED } else { EAGER };
        if tell.send(answer).await.is_err() {
            return;
        }
        tokio::select! { biased;
            () = nudge.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The reasons an answer gives.
fn reasons(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = match (&body["reasons"], &body["detail"]) {
        (serde_json::Value::Array(all), _) => all.iter().filter_map(|it| it.as_str()).collect::<Vec<_>>().join(", "),
        (_, serde_json::Value::String(detail)) => detail.clone(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
