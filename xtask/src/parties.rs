//! `parties`: relying parties and providers that nobody here wrote, against real processes (`tests/parties`).
//!
//! Nothing else needs what they bring, so they are a cargo workspace and an npm project of their own. Node.js is not needed
//! to work on Bongsu: where it is missing, its half is left out, aloud.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    stage::{self, Tally},
    up,
};

/// What `openid-client` needs: WebCrypto as a global.
const OLDEST_NODE: u32 = 20;
/// Real ones are on Maven Central; Java 17 runs this one.
const KEYCLOAK: &str = "26.0.8";

/// Run relying parties and providers that nobody here wrote, against real processes.
#[derive(clap::Args)]
pub(crate) struct Parties {
    /// Also run the mall's login against a Keycloak, fetched with Maven and started with Java 17: minutes
    #[arg(long)]
    keycloak: bool,
}

impl Parties {
    /// Runs them and ends with the line `N passed, N failed`.
    pub(crate) fn run(&self) -> Result<()> {
        up::build()?;
        let keycloak = self.keycloak.then(keycloak).transpose()?;
        let tally = stage(keycloak.as_deref())?;
        println!("{} passed, {} failed", tally.passed, tally.failed);
        if tally.failed > 0 || tally.passed == 0 {
            bail!("not all parties are satisfied");
        }
        if self.keycloak && node_version().is_none_or(|version| version < OLDEST_NODE) {
            bail!("Keycloak's tests need Node.js {OLDEST_NODE} and npm");
        }
        Ok(())
    }
}

/// Both halves; `keycloak` is the folder of one.
pub(crate) fn stage(keycloak: Option<&Path>) -> Result<Tally> {
    let mut tally = in_rust()?;
    let node = node_version();
    if node.is_none_or(|version| version < OLDEST_NODE) || !answers("npm") {
        stage::announce(&format!("parties in Node.js: left out, because Node.js {OLDEST_NODE} with npm is not here"));
        return Ok(tally);
    }
    tally += in_node(keycloak)?;
    Ok(tally)
}

/// The crate `openidconnect`. Its target folder is its own: it needs other features of crates that all others share.
fn in_rust() -> Result<Tally> {
    stage::announce("parties in Rust");
    let mut test = stage::cargo(&["test", "--locked", "--quiet", "--manifest-path"]);
    test.arg(folder().join("Cargo.toml")).arg("--target-dir").arg(target().join("parties")).env("BONGSU", bongsu()?);
    stage::count_tests(test, &mut std::io::stdout())
}

/// npm's `openid-client` and `oidc-provider`.
fn in_node(keycloak: Option<&Path>) -> Result<Tally> {
    stage::run("parties in Node.js: npm ci", npm())?;
    stage::announce("parties in Node.js");
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"]).args(tests()?).current_dir(folder()).env("BONGSU", bongsu()?);
    if let Some(keycloak) = keycloak {
        node.env("KEYCLOAK", keycloak);
    }
    stage::count_tests(node, &mut std::io::stdout())
}

/// Installs what the lock file names, and runs none of it.
fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--silent"]);
    npm.current_dir(folder());
    npm
}

fn tests() -> Result<Vec<PathBuf>> {
    let folder = folder().join("node");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let all: Vec<PathBuf> = paths.collect::<Result<_, _>>().context("cannot list the tests")?;
    let mut tests: Vec<PathBuf> = all.into_iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    tests.sort();
    Ok(tests)
}

/// Fetches and unpacks a Keycloak, once.
fn keycloak() -> Result<PathBuf> {
    let at = target().join("keycloak");
    let unpacked = at.join(format!("keycloak-{KEYCLOAK}"));
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    let mut maven = Command::new("mvn");
    maven.arg("-q").arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy");
    maven.arg(format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:tar.gz"));
    maven.arg(format!("-DoutputDirectory={}", at.display())).current_dir(folder());
    stage::run("fetch Keycloak", maven)?;
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(at.join(format!("keycloak-quarkus-dist-{KEYCLOAK}.tar.gz"))).arg("-C").arg(&at);
    stage::run("unpack Keycloak", tar)?;
    Ok(unpacked)
}

fn folder() -> PathBuf {
    stage::root().join("tests/parties")
}

/// The folder we were built into.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| stage::root().join("target"), PathBuf::from)
}

fn node_version() -> Option<u32> {
    let said = Command::new("node").arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&said.stdout))
}

/// 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn answers(program: &str) -> bool {
    let mut version = Command::new(program);
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(["v20.20.2\n", "v9.1.0", "20.1", ""].map(major), [Some(20), Some(9), None, None]);
    }

    #[test]
    fn no_test_of_the_folder_is_forgotten() {
        let names: Vec<String> = tests().expect("listed").iter().map(|path| path.display().to_string()).collect();
        assert!(names.iter().any(|name| name.ends_with("openid_client.test.mjs")) && names.len() > 1, "{names:?}");
    }
}
