//! Parts that run for as long as the service does.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;

use crate::{
    commit::core::Core,
    ports::{Fut, env::Task},
};

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_default())
}

/// Runs a part of the service and, should it panic, logs that and runs it again: everything it knew is in the
/// store. A part that returns has finished.
pub(crate) fn keep_running<F>(core: &Arc<Core>, name: &'static str, part: F) -> Box<dyn Task>
where
    F: Fn(Arc<Core>) -> Fut<'static, ()> + Send + Sync + 'static,
{
    /// A part that panics each time fills no log and takes no processor.
    const PAUSE: Duration = Duration::from_millis(500);
    let shared = core.clone();
    let run = async move {
        while let Err(panic) = AssertUnwindSafe(part(shared.clone())).catch_unwind().await {
            tracing::error!(part = name, panic = panic_text(panic.as_ref()), "a part of the service panicked");
            shared.env.sleep(PAUSE).await;
        }
    };
    core.env.spawn(name, Box::pin(run))
}
