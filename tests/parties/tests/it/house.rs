//! A real system: `bongsu up` on a temporary folder with `house.toml`.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// Between two looks at whether Ann can log in.
const PAUSE: Duration = Duration::from_millis(50);
/// Half a minute of them: longer than a start takes on a busy machine.
const LOOKS: u32 = 600;
/// Of the client `rsa`.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const EMAIL: &str = "ann@house.example";
pub(crate) const PASSWORD: &str = "ann may come in";

/// A running system.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) issuer: String,
}

impl House {
    /// Starts it, and waits until Ann can log in.
    pub(crate) fn up() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("bongsu.toml"), include_str!("../../house.toml")).expect("written");
        fs::write(folder.path().join("secret"), SECRET).expect("written");
        let mut house = Self { folder, issuer: String::new() };
        let up = house.bongsu(&["up", "--detach"]);
        assert!(up.status.success(), "{up:?}");
        let ps = house.bongsu(&["ps", "--json"]);
        let instances: Vec<Value> = serde_json::from_slice(&ps.stdout).expect("JSON");
        let gateway = instances.iter().find(|row| row["name"] == "gateway").expect("a gateway");
        house.issuer = format!("{}/identity", gateway["url"].as_str().expect("an address"));
        assert!((0..LOOKS).any(|_| house.knows_ann()), "Ann is not there");
        house
    }

    /// Looks, and lets the system have the machine where she is not there yet.
    fn knows_ann(&self) -> bool {
        let is_known = self.bongsu(&["token", "--as", EMAIL]).status.success();
        if !is_known {
            thread::park_timeout(PAUSE);
        }
        is_known
    }

    fn bongsu(&self, args: &[&str]) -> Output {
        let mut command = Command::new(bongsu());
        command.args(args).arg("--data").arg(self.folder.path().join("data")).current_dir(self.folder.path());
        command.output().expect("bongsu is built: make test builds it first")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.bongsu(&["stop"]);
    }
}

/// The binary under test.
fn bongsu() -> PathBuf {
    let built = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/bongsu"));
    std::env::var_os("BONGSU").map_or_else(built, PathBuf::from)
}
