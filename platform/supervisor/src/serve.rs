//! Serves the control API on its listener, so that nobody who is slow, idle or one too many keeps others out.
//!
//! `axum::serve` is not used: it sets no header timeout, so one client that never finishes its head would hold a
//! connection for ever.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tower::ServiceExt;

/// Connections at once; the next one takes the place of one that has asked nothing, or waits.
const CONNECTIONS: usize = 32;
/// A connection that has not sent a whole head after so long is closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after the machine could not accept a connection (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection, for whoever needs its place.
struct Open {
    asked: Arc<AtomicBool>,
    task: AbortHandle,
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    // Those that are open end with this.
    let mut connections = JoinSet::new();
    let mut open: VecDeque<Open> = VecDeque::new();
    loop {
        while connections.try_join_next().is_some() {}
        open.retain(|one| !one.task.is_finished());
        let Ok((stream, _)) = listener.accept().await else {
            // What they hold may be what is missing.
            close_a_silent_one(&mut open);
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if free.available_permits() == 0 {
            close_a_silent_one(&mut open);
        }
        let Ok(permit) = free.clone().acquire_owned().await else { return };
        let asked = Arc::new(AtomicBool::new(false));
        let task = connections.spawn(connection(stream, router.clone(), asked.clone(), permit));
        open.push_back(Open { asked, task });
    }
}

/// Of those that have asked nothing yet, the one that is here longest.
fn close_a_silent_one(open: &mut VecDeque<Open>) {
    let silent = |one: &Open| !one.task.is_finished() && !one.asked.load(Ordering::Acquire);
    if let Some(one) = open.iter().position(silent).and_then(|at| open.remove(at)) {
        one.task.abort();
    }
}

async fn connection(stream: TcpStream, router: Router, asked: Arc<AtomicBool>, _permit: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        asked.store(true, Ordering::Release);
        router.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        // Whoever was answered makes room: one that is idle, or was refused, holds no place.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // One that ends early has taken its client along.
    let _ = served.await;
}
