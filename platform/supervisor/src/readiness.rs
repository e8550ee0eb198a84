//! Asks a process whether it is ready: quickly while it starts, now and then afterwards.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use tokio::sync::{Notify, mpsc};

use crate::http::Http;

/// While it starts; a process that announces itself is asked at once anyway.
const EAGER: Duration = Duration::from_millis(25);
/// Once it is ready.
const RELAXED: Duration = Duration::from_millis(500);
/// A readiness answer that takes longer is a no.
const LIMIT: Duration = Duration::from_secs(1);

/// Asks for ever and tells every answer; `nudge` asks again at once. A process that is ready may have something to say, too.
pub(crate) async fn watch(
    http: Http,
    addr: String,
    nudge: Arc<Notify>,
    tell: mpsc::Sender<Result<Option<String>, String>>,
) {
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
