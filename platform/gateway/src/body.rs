//! Bodies on their way: one that knows whether it was touched, one that holds things until it is sent.

use std::any::Any;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::Body;
use bytes::{Buf, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// A request body on loan to an attempt. An attempt that ends before it read anything gives it back, so that the
/// request can be sent to another instance; once a byte was read it never is.
pub(crate) struct Loan {
    body: Option<Body>,
    left: usize,
    touched: bool,
    account: Arc<Account>,
}

/// Where an untouched body returns to.
pub(crate) struct Account {
    body: Mutex<Option<Body>>,
    limit: usize,
    exceeded: AtomicBool,
}

/// Keeps what it holds until the answer is sent or given up.
pub(crate) struct Holding {
    pub(crate) body: hyper::body::Incoming,
    pub(crate) _held: Vec<Box<dyn Any + Send + Sync>>,
    /// Ends the answer early, between two pieces of it: an open stream must not hold up the end of the gateway.
    pub(crate) until: Option<Until>,
}

/// When an answer is to end although more could come.
pub(crate) type Until = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

impl Account {
    /// A body of at most `limit` bytes.
    pub(crate) fn of(body: Body, limit: usize) -> Arc<Self> {
        Arc::new(Self { body: Mutex::new(Some(body)), limit, exceeded: AtomicBool::new(false) })
    }

    /// The body, unless an attempt has touched it.
    pub(crate) fn lend(self: &Arc<Self>) -> Option<Loan> {
        let body = self.lock().take()?;
        Some(Loan { body: Some(body), left: self.limit, touched: false, account: self.clone() })
    }

    /// Whether a body was longer than its limit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Body>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Loan {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.touched = true;
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = std::task::ready!(Pin::new(body).poll_frame(context));
        let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Buf::remaining);
        let Some(left) = self.left.checked_sub(length) else {
            self.account.exceeded.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err("the body is too large".into())));
        };
        self.left = left;
        Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if !self.touched {
            *self.account.lock() = self.body.take();
        }
    }
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // The body first: what has arrived is passed on.
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match self.until.as_mut() {
            Some(until) if frame.is_pending() => until.as_mut().poll(context).map(|()| None),
            _ => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_untouched_body_can_be_lent_again_and_a_touched_one_cannot() {
        let account = Account::of(Body::from("hello"), 10);
        drop(account.lend().unwrap());
        let lent = account.lend().unwrap();
        assert!(account.lend().is_none(), "only one at a time");
        let read = axum::body::to_bytes(Body::new(lent), 100).await.unwrap();
        assert_eq!(read, "hello");
        assert!(account.lend().is_none());
    }

    #[tokio::test]
    async fn a_body_over_its_limit_is_cut_off() {
        let account = Account::of(Body::from("hello"), 4);
        assert!(axum::body::to_bytes(Body::new(account.lend().unwrap()), 100).await.is_err());
        assert!(account.is_exceeded());
    }
}
