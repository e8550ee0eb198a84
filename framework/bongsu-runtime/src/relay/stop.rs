//! Why the relay stops: it begins again by asking what is there.

use crate::ports::{broker::BrokerError, store::StoreError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Another instance relays now.
    #[error("the relay is another instance's")]
    Lost,
    /// An operator asked for more while the relay noted how far it is.
    #[error("somebody asked for more meanwhile")]
    Overtaken,
}
