//! The marks of facts that wait in a queue behind a failed one.

use serde_json::value::RawValue;

use crate::{
    envelope::Envelope,
    seen::{seen_body, seen_key},
    unit::{Fail, Unit},
};

/// After `done` left its queue: its subject waits no longer, unless a later fact of it is among the rest.
pub(crate) async fn settle_mark(
    unit: &mut Unit,
    consumer: &str,
    done: &Envelope<'_>,
    rest: &[Box<RawValue>],
) -> Result<(), Fail> {
    let same = |raw: &RawValue| {
        Envelope::parse(raw.get().as_bytes())
            .is_ok_and(|later| later.source == done.source && later.subject == done.subject)
    };
    if rest.iter().any(|raw| same(raw)) {
        return Ok(());
    }
    let seen = seen_key(consumer, done);
    unit.doc(&seen).await?;
    unit.put(seen, Some(seen_body(done.sequence, false)));
    Ok(())
}
