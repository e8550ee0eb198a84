//! `sim`: five contexts under one seed, in virtual time.

use anyhow::Result;

use crate::stage;

/// The system test that simulates. It reads SEEDS, SEED, BUG and CRASHES.
const SIM: &[&str] = &["test", "-q", "-p", "system-tests", "--test", "sim", "--", "--nocapture"];

/// What to simulate; each may also come from the environment (`make sim SEED=7`).
#[derive(clap::Args)]
pub(crate) struct Sim {
    /// How many seeds to try.
    #[arg(long, env = "SEEDS")]
    seeds: Option<u64>,
    /// Replay this one seed.
    #[arg(long, env = "SEED")]
    seed: Option<u64>,
    /// Plant this bug; the run must then turn red.
    #[arg(long, env = "BUG")]
    bug: Option<String>,
    /// How many places to die at are drawn, or `all`.
    #[arg(long, env = "CRASHES")]
    crashes: Option<String>,
}

/// The test that runs seeds; alone when it is one seed or one bug that is asked for.
const SEEDS: &str = "the_mall_holds_under_every_seed";

impl Sim {
    /// Runs the simulator with these settings.
    pub(crate) fn run(self) -> Result<()> {
        let mut command = stage::cargo(SIM);
        if self.seed.is_some() || self.bug.is_some() {
            command.arg(SEEDS);
        }
        let settings = [
            ("SEEDS", self.seeds.map(|n| n.to_string())),
            ("SEED", self.seed.map(|n| n.to_string())),
            ("BUG", self.bug),
            ("CRASHES", self.crashes),
        ];
        for (name, value) in settings {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        stage::run("simulator", command)
    }
}
