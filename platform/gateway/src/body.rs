//! A request's body on its way, which can be read from its beginning again. What is open for hours is in `stream.rs`.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::Body;
use bongsu_host::server::Arrival;
use bytes::{Buf, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// A request body on loan to an attempt. It returns when the attempt ends: whole if nothing of it was read, or if
/// what was read is kept; otherwise it is gone, and the request cannot be sent again.
pub(crate) struct Loan {
    lent: Option<Lent>,
    /// How many of the kept pieces this attempt has got.
    at: usize,
    touched: bool,
    /// It broke under way, or ended in something that is not kept.
    spoilt: bool,
    account: Arc<Account>,
}

/// Where a body returns to.
pub(crate) struct Account {
    home: Mutex<Home>,
    returned: Notify,
    /// Whether what is read is kept (as bytes shared with whoever sends them) to be sent again.
    keeps: bool,
    limit: usize,
    exceeded: AtomicBool,
    /// How far the client has sent it.
    arrival: Arrival,
    /// How much of it came.
    given: AtomicU64,
    /// When the service had all of it for the first time.
    whole_since: OnceLock<Instant>,
}

/// What is left of a body, and the pieces already read if they are kept.
struct Lent {
    body: Body,
    pieces: Vec<Bytes>,
    left: usize,
}

enum Home {
    Here(Lent),
    Out,
    Gone,
}

impl Account {
    /// A body of at most `limit` bytes, kept while it is read if it may have to be sent `again`.
    pub(crate) fn of(body: Body, limit: usize, again: bool) -> Arc<Self> {
        let home = Home::Here(Lent { body, pieces: Vec::new(), left: limit });
        let home = Mutex::new(home);
        let returned = Notify::new();
        let exceeded = AtomicBool::new(false);
        let whole_since = OnceLock::new();
        let given = AtomicU64::new(0);
        let arrival = Arrival::default();
        Arc::new(Self { home, returned, keeps: again, limit, exceeded, arrival, given, whole_since })
    }

    /// The body from its beginning; `None` when it is gone. An attempt that has just failed may still hold it for a
    /// moment: whoever sends it lets go in a task of its own.
    pub(crate) async fn lend(self: &Arc<Self>) -> Option<Loan> {
        loop {
            let returned = self.returned.notified();
            // Taken in a statement of its own: the lock must not be held while we wait.
            let found = std::mem::replace(&mut *self.lock(), Home::Out);
            match found {
                Home::Here(lent) => {
                    if lent.body.is_end_stream() {
                        self.is_whole();
                    }
                    let account = self.clone();
                    return Some(Loan { lent: Some(lent), at: 0, touched: false, spoilt: false, account });
                }
                Home::Gone => {
                    *self.lock() = Home::Gone;
                    return None;
                }
                Home::Out => returned.await,
            }
        }
    }

    /// How many bytes of it came, as far as anybody asked for them.
    pub(crate) fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// Whether a body was longer than its limit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed)
    }

    /// Whether the client broke off, or sent what is no body.
    pub(crate) fn is_broken(&self) -> bool {
        self.arrival.is_broken()
    }

    /// Whether the client is waited for.
    pub(crate) fn is_awaited(&self) -> bool {
        self.arrival.is_awaited()
    }

    /// Since when an instance has had all of it.
    pub(crate) fn whole_since(&self) -> Option<Instant> {
        self.whole_since.get().copied()
    }

    fn is_whole(&self) {
        self.whole_since.get_or_init(Instant::now);
    }

    /// The most it may be long.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Home> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan {
    /// Counts and keeps what was read; an error if that is too much.
    fn read(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BoxError> {
        let Some(lent) = &mut self.lent else { return Ok(frame) };
        let Some(data) = frame.data_ref() else {
            // Trailers: rare, and not worth keeping.
            self.spoilt = true;
            return Ok(frame);
        };
        let Some(left) = lent.left.checked_sub(data.remaining()) else {
            self.spoilt = true;
            self.account.exceeded.store(true, Ordering::Relaxed);
            return Err("the body is too large".into());
        };
        lent.left = left;
        self.account.given.fetch_add(data.remaining() as u64, Ordering::Relaxed);
        if self.account.keeps {
            lent.pieces.push(data.clone());
            self.at += 1;
        }
        Ok(frame)
    }
}

impl HttpBody for Loan {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.touched = true;
        let at = self.at;
        let Some(lent) = self.lent.as_mut() else { return Poll::Ready(None) };
        if let Some(piece) = lent.pieces.get(at).cloned() {
            self.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let read = Pin::new(&mut lent.body).poll_frame(context);
        let is_whole = matches!(read, Poll::Ready(None)) || lent.body.is_end_stream();
        self.account.arrival.note(&read);
        if is_whole {
            self.account.is_whole();
        }
        match std::task::ready!(read) {
            None => Poll::Ready(None),
            Some(Ok(frame)) => Poll::Ready(Some(self.read(frame))),
            Some(Err(error)) => {
                self.spoilt = true;
                Poll::Ready(Some(Err(error.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.lent.as_ref().is_none_or(|lent| self.at >= lent.pieces.len() && lent.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let Some(lent) = &self.lent else { return SizeHint::default() };
        let again: u64 = lent.pieces[self.at.min(lent.pieces.len())..].iter().map(|piece| piece.len() as u64).sum();
        let rest = lent.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + again);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + again);
        }
        hint
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let whole = !self.touched || (self.account.keeps && !self.spoilt);
        *self.account.lock() = match self.lent.take() {
            Some(lent) if whole => Home::Here(lent),
            _ => Home::Gone,
        };
        self.account.returned.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    async fn read(lent: Loan) -> Bytes {
        axum::body::to_bytes(Body::new(lent), 100).await.unwrap()
    }

    #[tokio::test]
    async fn an_untouched_body_can_be_lent_again_and_a_touched_one_cannot() {
        let account = Account::of(Body::from("hello"), 10, false);
        drop(account.lend().await.unwrap());
        let lent = account.lend().await.unwrap();
        assert!(account.lend().now_or_never().is_none(), "only one at a time");
        assert_eq!(read(lent).await, "hello");
        assert!(account.lend().await.is_none());
    }

    #[tokio::test]
    async fn a_kept_body_is_the_same_every_time_also_after_half_of_it_was_read() {
        let pieces = ["hel", "lo ", "you"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        let account = Account::of(Body::from_stream(futures::stream::iter(pieces)), 9, true);
        for pieces in 0..=3 {
            let mut lent = account.lend().await.unwrap();
            for _ in 0..pieces {
                std::future::poll_fn(|context| Pin::new(&mut lent).poll_frame(context)).await.unwrap().unwrap();
            }
        }
        assert_eq!(read(account.lend().await.unwrap()).await, "hello you");
        let lent = account.lend().await.unwrap();
        assert_eq!(lent.size_hint().lower(), 9);
        assert_eq!(read(lent).await, "hello you");
        assert!(!account.is_exceeded(), "what is sent again does not count again");
    }

    #[tokio::test]
    async fn a_body_that_broke_is_never_sent_again() {
        let pieces = [Ok(Bytes::from("hel")), Err(std::io::Error::other("gone"))];
        let account = Account::of(Body::from_stream(futures::stream::iter(pieces)), 9, true);
        assert!(axum::body::to_bytes(Body::new(account.lend().await.unwrap()), 100).await.is_err());
        assert!(account.lend().await.is_none());
    }

    #[tokio::test]
    async fn a_body_over_its_limit_is_cut_off() {
        for again in [false, true] {
            let account = Account::of(Body::from("hello"), 4, again);
            assert!(axum::body::to_bytes(Body::new(account.lend().await.unwrap()), 100).await.is_err());
            assert!(account.is_exceeded());
            assert!(account.lend().await.is_none());
        }
    }
}
