//! Topics: made when missing, with the retention their owner wants.

use std::{sync::Arc, time::Duration};

use crate::{
    core::Core,
    ports::broker::{BrokerError, Topic},
};

/// Makes sure the topics exist; keeps trying while the broker is away.
pub(crate) async fn ensure_topics(core: Arc<Core>) {
    for name in core.service.topics() {
        let mut pauses = 0;
        while let Err(error) = ensure(&core, &name).await {
            if pauses == 0 {
                tracing::warn!(topic = name, %error, "a topic cannot be made sure of");
            }
            core.env.sleep(core.pause(pauses).max(Duration::from_millis(20))).await;
            pauses = (pauses + 1).min(20);
        }
    }
}

/// Makes sure of one; only its owner says how long it is kept.
pub(crate) async fn ensure(core: &Core, name: &str) -> Result<(), BrokerError> {
    let mine = name == core.service.name;
    let retention_ms = core.settings.retention_ms.filter(|_| mine);
    let retention_bytes = core.settings.retention_bytes.filter(|_| mine);
    let topic = Topic { name: name.to_owned(), partitions: core.settings.partitions, retention_ms, retention_bytes };
    core.broker.ensure(topic).await
}
