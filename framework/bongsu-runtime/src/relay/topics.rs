//! Topics: made when missing, with the retention their owner wants.

use std::{sync::Arc, time::Duration};

use crate::{
    commit::core::Core,
    ports::broker::{BrokerError, Topic},
};

/// Asked again at the earliest: a broker that starts needs some time for each topic.
const BRIEFLY: Duration = Duration::from_millis(20);

/// Makes sure the topics exist; keeps trying while the broker is away. A topic with another number of partitions ends this
/// instance: with fewer lanes some would never be read, and no key would be where its publisher puts it.
pub(crate) async fn ensure_topics(core: Arc<Core>) {
    for name in core.map.topics() {
        let mut pauses = 0_u32;
        while let Err(error) = ensure(&core, &name).await {
            if let Some(why) = other_partitions(&core, &name, &error).await {
                tracing::error!(code = "partitions", topic = name, "{why}");
                return core.health.over(&why);
            }
            if pauses == 0 {
                tracing::warn!(topic = name, %error, "a topic cannot be made sure of");
            }
            core.env.sleep(core.pause(pauses).max(BRIEFLY)).await;
            pauses = pauses.saturating_add(1);
        }
    }
}

/// Whether a topic is refused because it has another number of partitions, and in which words.
async fn other_partitions(core: &Core, name: &str, error: &BrokerError) -> Option<String> {
    if !matches!(error, BrokerError::Invalid(_)) {
        return None;
    }
    let has = core.broker.bounds(name).await.ok()?.partitions.len();
    let told = core.settings.partitions;
    let differs = has != told as usize;
    differs.then(|| format!("topic {name} has {has} partitions, and the configuration says partitions = {told}"))
}

/// Makes sure of one; only its owner says how long it is kept.
pub(crate) async fn ensure(core: &Core, name: &str) -> Result<(), BrokerError> {
    let mine = name == core.map.name;
    let retention_ms = core.settings.retention_ms.filter(|_| mine);
    let retention_bytes = core.settings.retention_bytes.filter(|_| mine);
    let topic = Topic { name: name.to_owned(), partitions: core.settings.partitions, retention_ms, retention_bytes };
    core.broker.ensure(topic).await
}
