//! Connections: how many, how long, and how they end.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use bongsu_host::{
    head::PARSED_LINES,
    server::{self, Answering, Wire},
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
    time,
};

use super::{http, shared::Shared, writer};

/// How often retention is looked after.
const SWEEP: Duration = Duration::from_secs(1);
/// Connections too many that are told so at once; more are closed without a word.
const POLITE: usize = 64;
/// What a connection too many reads before it is closed.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
    retry-after: 1\r\ncontent-length: 85\r\nconnection: close\r\n\r\n\
    {\"type\":\"/errors/broker-unavailable\",\"title\":\"Too many connections\",\"status\":503    }";

/// Accepts until `stop` resolves, then lets open requests end.
pub(crate) async fn serve<E>(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let app = http::router(Arc::clone(&shared));
    let free = Arc::new(Semaphore::new(shared.limits.connections));
    let polite = Arc::new(Semaphore::new(POLITE));
    let mut connections = JoinSet::new();
    let mut sweep = time::interval(SWEEP);
    sweep.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
    let mut stop = pin!(stop);
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut stop => break outcome,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Ok(permit) = Arc::clone(&free).try_acquire_owned() {
                        connections.spawn(connection(stream, app.clone(), Arc::clone(&shared), permit));
                    } else if let Ok(permit) = Arc::clone(&polite).try_acquire_owned() {
                        connections.spawn(refuse(stream, permit));
                    }
                }
                Err(error) => pause(&error).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = sweep.tick() => expire(&shared),
        }
    };
    drop(listener);
    shared.stopping.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if time::timeout(shared.limits.drain, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "open requests were cut off");
        connections.shutdown().await;
    }
    outcome
}

async fn connection(stream: TcpStream, app: Router, shared: Arc<Shared>, _permit: OwnedSemaphorePermit) {
    // A small answer must not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let answering = Answering::default();
    let wire = Wire::new(stream, answering.clone(), http::refused);
    let service = service_fn(move |request: Request<Incoming>| server::answer(app.clone(), request, answering.clone()));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(shared.limits.header_timeout)
            // Twice the limit: a head just over it is refused with a reason.
            .max_buf_size(2 * http::HEAD)
            .max_headers(PARSED_LINES)
            .serve_connection(TokioIo::new(wire), service)
    );
    let stopping = shared.stopping();
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stopping => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(reason = %error, "a connection ended early");
    }
}

/// Says 503 after the head arrived: closing with unread bytes would reset the connection.
async fn refuse(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let polite = async {
        let mut head = [0; 4_096];
        let _ = stream.read(&mut head).await?;
        stream.write_all(TOO_MANY).await?;
        stream.shutdown().await
    };
    // Too slow or gone: nothing is lost.
    let _ = time::timeout(Duration::from_secs(1), polite).await;
}

fn expire(shared: &Shared) {
    if shared.index.all().iter().any(|topic| topic.retention() != (None, None)) {
        let (tell, _) = oneshot::channel();
        // A full queue is no loss: the next tick asks again.
        let _ = shared.jobs.try_send(writer::Job { work: writer::Work::Expire, tell, _memory: None });
    }
}

/// Out of file descriptors, mostly: trying at once would only burn the processor.
async fn pause(error: &io::Error) {
    tracing::warn!(reason = %error, "a connection could not be accepted");
    time::sleep(Duration::from_millis(50)).await;
}
