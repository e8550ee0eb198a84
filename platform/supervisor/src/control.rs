//! The control API: HTTP on loopback, for the command line, the gateway and later the console.
//!
//! `GET /instances`, `POST /instances/{name}/{start|stop|kill|restart}`, `PUT /services/{name}/instances/{count}`,
//! `GET /logs?names=&tail=&follow=`, `GET /routes?after=`, `GET /system`, `POST /stop`,
//! `POST /secret/{rotate|drop-old}`, `GET /configuration`, `GET /configuration/settings/{service}`, `POST /configuration/apply`. Every request carries the token of `supervisor.json`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State as Injected};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bongsu_host::config::schema::Setting;
use futures::{Stream, StreamExt, stream};
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use crate::configuration::{Distributor, Shown};
use crate::fleet::Fleet;
use crate::keeper::Ask;
use crate::logs::{Line, Logs};
use crate::registry::{Instance, Registry, RouteTable, State};
use crate::scale::ScaleError;
use crate::secret::Secrets;

/// A long poll is answered after so long even when nothing changed.
const LONG_POLL: Duration = Duration::from_secs(20);
/// `start` and `stop` answer after so long with what is true then.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the control API can see and do.
pub(crate) struct Control {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) registry: Arc<Registry>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) secrets: Arc<Secrets>,
    /// Without `[config]` there is none.
    pub(crate) distributor: Option<Arc<Distributor>>,
    pub(crate) stop: Arc<Notify>,
}

/// The routes.
pub(crate) fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route("/instances", get(instances))
        .route("/instances/{name}/{action}", post(act))
        .route("/services/{name}/instances/{count}", put(scale))
        .route("/logs", get(logs))
        .route("/routes", get(routes))
        .route("/system", get(system))
        .route("/stop", post(stop))
        .route("/secret/{change}", post(secret))
        .route("/configuration", get(configuration))
        .route("/configuration/settings/{service}", get(settings))
        .route("/configuration/apply", post(apply))
        .layer(middleware::from_fn_with_state(control.clone(), only_with_token))
        .with_state(control)
}

async fn only_with_token(Injected(control): Injected<Arc<Control>>, request: Request, next: Next) -> Response {
    let expected = format!("Bearer {}", control.token);
    let given = request.headers().get("authorization").map_or(&b""[..], |value| value.as_bytes());
    // Compared without an early exit, so that the time taken tells nothing about the token.
    let differs = given
        .iter()
        .zip(expected.as_bytes())
        .fold(given.len() ^ expected.len(), |sum, (a, b)| sum | usize::from(a ^ b));
    if differs == 0 { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

async fn instances(Injected(control): Injected<Arc<Control>>) -> Json<Vec<Instance>> {
    Json(control.registry.instances())
}

async fn system(Injected(control): Injected<Arc<Control>>) -> Json<serde_json::Value> {
    Json(json!({"name": control.name, "pid": std::process::id()}))
}

async fn stop(Injected(control): Injected<Arc<Control>>) -> StatusCode {
    control.stop.notify_one();
    StatusCode::ACCEPTED
}

async fn secret(
    Injected(control): Injected<Arc<Control>>,
    Path(change): Path<String>,
) -> Result<StatusCode, (StatusCode, String)> {
    let changed = match change.as_str() {
        "rotate" => control.secrets.rotate(),
        "drop-old" => control.secrets.drop_previous(),
        _ => return Err((StatusCode::NOT_FOUND, format!("'{change}' is not rotate or drop-old"))),
    };
    changed.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    control.logs.note("INFO", &format!("the secret was changed: {change}"));
    Ok(StatusCode::NO_CONTENT)
}

async fn configuration(Injected(control): Injected<Arc<Control>>) -> Result<Json<Shown>, (StatusCode, String)> {
    Ok(Json(control.distributor()?.show()))
}

async fn settings(
    Injected(control): Injected<Arc<Control>>,
    Path(service): Path<String>,
) -> Result<Json<Vec<Setting>>, (StatusCode, String)> {
    let known = control.distributor()?.registered(&service);
    let unknown = || (StatusCode::NOT_FOUND, format!("'{service}' has registered nothing that can be set of it"));
    known.map(Json).ok_or_else(unknown)
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing simulates the supervisor, and a request that is gone ends no task"
)]
async fn apply(Injected(control): Injected<Arc<Control>>) -> Result<Json<Shown>, (StatusCode, String)> {
    let (distributor, fleet) = (control.distributor()?.clone(), control.fleet.clone());
    // What was begun comes to its end, also when whoever asked is gone.
    let applied = tokio::spawn(async move { distributor.apply(&fleet).await });
    let applied = applied.await.unwrap_or_else(|_| Err("it could not be applied".to_owned()));
    applied.map(Json).map_err(|why| (StatusCode::UNPROCESSABLE_ENTITY, why))
}

impl Control {
    fn distributor(&self) -> Result<&Arc<Distributor>, (StatusCode, String)> {
        let none = || {
            (StatusCode::NOT_FOUND, "this system takes its configuration from no repository: see [config]".to_owned())
        };
        self.distributor.as_ref().ok_or_else(none)
    }
}

async fn act(
    Injected(control): Injected<Arc<Control>>,
    Path((name, action)): Path<(String, String)>,
) -> Result<Json<Vec<Instance>>, (StatusCode, String)> {
    let ask = match action.as_str() {
        "start" => Ask::Start,
        "stop" => Ask::Stop,
        "kill" => Ask::Kill,
        "restart" => Ask::Restart,
        _ => return Err((StatusCode::NOT_FOUND, format!("'{action}' is not start, stop, kill or restart"))),
    };
    let before = control.registry.matching(&name);
    if before.is_empty() {
        let names: Vec<String> = control.registry.instances().into_iter().map(|row| row.instance).collect();
        return Err((StatusCode::NOT_FOUND, format!("no instance '{name}'; there are {}", names.join(", "))));
    }
    for row in &before {
        control.fleet.ask(&row.instance, ask).await;
    }
    control.registry.wait_until(PATIENCE, |rows| obeyed(ask, &before, rows)).await;
    let after = control.registry.matching(&name);
    let stays = |row: &&Instance| ask == Ask::Restart && before.iter().any(|old| still_runs(old, row));
    match after.iter().filter(stays).find_map(|row| Some((&row.instance, row.not_replaced.as_ref()?))) {
        Some((slot, why)) => {
            Err((StatusCode::CONFLICT, format!("{slot} goes on: the one that was to take over was not ready: {why}")))
        }
        None => Ok(Json(after)),
    }
}

/// Whether nobody took over from the process that ran before, though that was tried.
fn still_runs(old: &Instance, now: &Instance) -> bool {
    old.instance == now.instance && old.pid.is_some() && old.pid == now.pid && now.run.number > old.run.number
}

async fn scale(
    Injected(control): Injected<Arc<Control>>,
    Path((name, count)): Path<(String, u32)>,
) -> Result<Json<Vec<Instance>>, (StatusCode, String)> {
    control.fleet.scale(&name, count).await.map_err(|error| {
        let status = match error {
            ScaleError::Unknown { .. } => StatusCode::NOT_FOUND,
            ScaleError::One(_) | ScaleError::Range { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            ScaleError::Kept(_) | ScaleError::Files(_) | ScaleError::Stopping | ScaleError::Left(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        (status, error.to_string())
    })?;
    let settled = |rows: &[Instance]| {
        rows.iter()
            .filter(|row| row.name == name)
            .all(|row| matches!(row.state, State::Ready | State::Failing | State::Refused))
    };
    control.registry.wait_until(PATIENCE, settled).await;
    Ok(Json(control.registry.matching(&name)))
}

/// Whether what was ordered can be seen.
fn obeyed(ask: Ask, before: &[Instance], rows: &[Instance]) -> bool {
    before.iter().all(|old| {
        rows.iter().find(|row| row.instance == old.instance).is_none_or(|row| match ask {
            // One that was failing is tried once more, and only then called failing again.
            Ask::Start if matches!(old.state, State::Failing | State::Refused) && row.run.number == old.run.number => {
                false
            }
            Ask::Start => matches!(row.state, State::Ready | State::Failing | State::Refused),
            Ask::Stop => row.state == State::Stopped,
            Ask::Kill => old.pid.is_none() || row.pid != old.pid,
            Ask::Restart if still_runs(old, row) => true,
            Ask::Restart => row.pid != old.pid && matches!(row.state, State::Ready | State::Failing | State::Refused),
        })
    })
}

async fn routes(
    Injected(control): Injected<Arc<Control>>,
    Query(query): Query<HashMap<String, u64>>,
) -> Json<RouteTable> {
    let after = query.get("after").copied().unwrap_or(0);
    let mut revision = control.registry.watch();
    let newer = revision.wait_for(|revision| *revision > after);
    // On a timeout the unchanged table is the answer.
    let _ = tokio::time::timeout(LONG_POLL, newer).await;
    Json(control.registry.route_table())
}

async fn logs(
    Injected(control): Injected<Arc<Control>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, (StatusCode, String)> {
    let names: Vec<String> =
        query.get("names").map_or(Vec::new(), |names| names.split(',').map(str::to_owned).collect());
    let mut slots = Vec::new();
    for name in &names {
        let rows = control.registry.matching(name);
        if rows.is_empty() && name != "supervisor" {
            return Err((StatusCode::NOT_FOUND, format!("no instance '{name}'")));
        }
        slots.extend(rows.into_iter().map(|row| row.instance));
        slots.push(name.clone());
    }
    let wanted = move |instance: &str| slots.is_empty() || slots.iter().any(|slot| slot == instance);
    let tail = query.get("tail").and_then(|tail| tail.parse().ok()).unwrap_or(200);
    // Subscribed first, so that no line falls between the two.
    let live = control.logs.live();
    let recent = control.logs.recent(&wanted, tail);
    let recent = stream::iter(recent).map(|line| Ok::<Bytes, Infallible>(encode(&line)));
    if query.get("follow").is_none_or(|follow| follow == "0") {
        return Ok(Body::from_stream(recent).into_response());
    }
    Ok(Body::from_stream(recent.chain(follow(live, wanted))).into_response())
}

fn follow(
    live: tokio::sync::broadcast::Receiver<Line>,
    wanted: impl Fn(&str) -> bool + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold((live, wanted), |(mut live, wanted)| async move {
        loop {
            match live.recv().await {
                Ok(line) if wanted(&line.instance) => return Some((Ok(encode(&line)), (live, wanted))),
                Ok(_) => {}
                Err(RecvError::Lagged(lines)) => {
                    let line = json!({"level": "WARN", "message": format!("{lines} lines were skipped")});
                    let line = Line { instance: "supervisor".into(), line: line.to_string().into() };
                    return Some((Ok(encode(&line)), (live, wanted)));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

fn encode(line: &Line) -> Bytes {
    let mut text = serde_json::to_vec(line).expect("two strings can always be written as JSON");
    text.push(b'\n');
    text.into()
}
