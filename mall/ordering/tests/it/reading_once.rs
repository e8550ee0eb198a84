//! A placed order is written down once, and read back at most once on its way to the store.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::fixture::{Fixture, two_tvs};

/// Counts how often a body of this wire name is made a value of its type.
struct Reads {
    of: &'static str,
    count: Arc<AtomicU32>,
}

impl Subscriber for Reads {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bongsu_runtime")
    }

    fn event(&self, event: &Event<'_>) {
        let mut of_it = OfIt { name: self.of, is: false };
        event.record(&mut of_it);
        self.count.fetch_add(of_it.is.into(), Ordering::Relaxed);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Whether an event of the log is about a body of this name.
struct OfIt {
    name: &'static str,
    is: bool,
}

impl Visit for OfIt {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.is |= field.name() == "kind" && value == self.name;
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// The order decides, tells and shows itself as the value it is; the process that checks it out reads the event as a type of
/// its own, once.
#[tokio::test]
async fn one_post_of_an_order_reads_its_event_at_most_once_before_the_store() {
    let fixture = Fixture::open().await;
    let count = Arc::new(AtomicU32::new(0));
    let _counting = tracing::subscriber::set_default(Reads { of: "order.placed", count: Arc::clone(&count) });
    for key in ["k1", "k2", "k3"] {
        let before = count.load(Ordering::Relaxed);
        let answer = fixture.place_as("ann", key, &two_tvs()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let read = count.load(Ordering::Relaxed) - before;
        assert_eq!(read, 1, "by the process Checkout, and by nobody else");
    }
}
