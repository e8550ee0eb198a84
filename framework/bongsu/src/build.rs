//! What names this build: its executable.

use std::{
    hash::{DefaultHasher, Hasher as _},
    io,
};

use bongsu_runtime::ports::env::Env;

/// A name that another executable does not have. Of one that cannot be read, a name that nothing ever has again: what is
/// kept under it costs time and never truth.
pub(crate) fn name(env: &dyn Env) -> String {
    match executable() {
        Ok(bytes) => {
            // A mark of what was compiled, not a proof: nobody gains by forging it.
            let mut hash = DefaultHasher::new();
            hash.write(&bytes);
            format!("{:016x}-{}", hash.finish(), bytes.len())
        }
        Err(error) => {
            tracing::warn!(%error, "this executable cannot be read; snapshots without a schema last until it ends");
            format!("unknown-{:016x}", env.random())
        }
    }
}

fn executable() -> io::Result<Vec<u8>> {
    std::fs::read(std::env::current_exe()?)
}
