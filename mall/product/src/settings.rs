//! What can be configured under `[service]`.

use serde::{Deserialize, Serialize};

/// Settings of the product context.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Put the five seed goods on the shelf at the first start.
    pub seed: bool,
    /// With them, two hundred more, so that the shelves look like a shop's.
    pub goods: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: true, goods: false }
    }
}
