//! What services log, as entries of the trace beside the steps they belong to.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::kernel::{core::Core, trace::What};

/// Takes the logs of the thread a run is on.
pub(crate) struct Log {
    core: Arc<Core>,
}

/// "message, field=value, …"
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Log {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: core.clone() }
    }
}

/// Spans are not followed: the node and the step before say where an entry belongs.
impl Subscriber for Log {
    /// What is read from its bytes, the finest level, is for whoever counts and not for whoever reads.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("{} {}{}", event.metadata().level(), line.message, line.fields);
        let mut state = self.core.lock();
        let (now, who) = (state.now, state.running);
        // Kept and not folded: a run with logs has the hash of the run without.
        state.trace.keep(now, who, What::Note(text.into()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _infallible = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name}={value:?}"),
        };
    }
}
