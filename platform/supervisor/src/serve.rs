//! Serves the control API on its listener, so that nobody who is slow, idle or one too many keeps others out.
//!
//! `axum::serve` is not used: it sets no header timeout, so one client that never finishes its head would hold a
//! connection for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at once; the next one waits in the listener's queue.
const CONNECTIONS: usize = 32;
/// A connection that has not sent a whole head after so long is closed; an idle one, too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after the machine could not accept a connection (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    // Those that are open end with this.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = free.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        connections.spawn(async move {
            // One that ends early has taken its client along.
            let _ = connection.await;
            drop(permit);
        });
    }
}
