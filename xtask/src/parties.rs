//! `parties`: relying parties and providers that nobody here wrote, against real processes (`tests/parties`).
//!
//! Nothing else needs what they bring, so they are a cargo workspace and an npm project of their own. Node.js is not needed
//! to work on Bongsu: where it is missing, its half is left out, aloud.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    stage::{self, Tally},
    up,
};

/// Of the workspace of their own, from the root.
pub(crate) const MANIFEST: &str = "tests/parties/Cargo.toml";
/// What `openid-client` needs: WebCrypto as a global.
const OLDEST_NODE: u32 = 20;
/// Real ones are on Maven Central; Java 17 runs this one.
const KEYCLOAK: &str = "26.5.6";

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
        if self.keycloak && !node_is_there() {
            bail!("the test with a Keycloak needs Node.js {OLDEST_NODE} and npm");
        }
        up::build()?;
        let keycloak = self.keycloak.then(keycloak).transpose()?;
        let tally = stage(keycloak.as_deref())?;
        println!("{} passed, {} failed", tally.passed, tally.failed);
        if tally.failed > 0 || tally.passed == 0 {
            bail!("not all parties are satisfied");
        }
        Ok(())
    }
}

/// Both halves; `keycloak` is the folder of one.
pub(crate) fn stage(keycloak: Option<&Path>) -> Result<Tally> {
    let in_rust = in_rust()?;
    if !node_is_there() {
        stage::announce(&format!("parties in Node.js: left out, because Node.js {OLDEST_NODE} with npm is not here"));
        return Ok(in_rust);
    }
    Ok(in_rust.and(in_node(keycloak)?))
}

/// The crate `openidconnect`. Its target folder is its own: it needs other features of crates that all others share.
fn in_rust() -> Result<Tally> {
    stage::announce("parties in Rust");
    let mut test = stage::cargo(&["test", "--locked", "--quiet", "--manifest-path", MANIFEST]);
    test.arg("--target-dir").arg(target()?.join("parties")).env("BONGSU", up::bongsu()?);
    stage::count_tests(test, &mut std::io::stdout())
}

/// npm's `openid-client` and `oidc-provider`.
fn in_node(keycloak: Option<&Path>) -> Result<Tally> {
    if !npm_is_done() {
        stage::run("parties in Node.js: npm ci", npm())?;
    }
    stage::announce("parties in Node.js");
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"]).args(node_tests()?).current_dir(folder()).env("BONGSU", up::bongsu()?);
    if let Some(keycloak) = keycloak {
        node.env("KEYCLOAK", keycloak);
    }
    stage::count_tests(node, &mut std::io::stdout())
}

/// Whether what the lock file names is there, so that a second run needs no network.
fn npm_is_done() -> bool {
    let changed = |path: &str| fs::metadata(folder().join(path)).and_then(|file| file.modified()).ok();
    let done = changed("node_modules/.package-lock.json");
    done.is_some() && changed("package-lock.json") <= done
}

/// Installs what the lock file names, and runs none of it.
fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--silent"]);
    npm.current_dir(folder());
    npm
}

fn node_tests() -> Result<Vec<PathBuf>> {
    let folder = folder().join("node");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let all: Vec<PathBuf> = paths.collect::<Result<_, _>>().context("cannot list the tests")?;
    let mut tests: Vec<PathBuf> =
        all.into_iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    tests.sort();
    Ok(tests)
}

/// Fetches a Keycloak, once, and unpacks it, each time: it keeps things in its own folder.
fn keycloak() -> Result<PathBuf> {
    let at = target()?.join("keycloak");
    let unpacked = at.join(format!("keycloak-{KEYCLOAK}"));
    let archive = at.join(format!("keycloak-quarkus-dist-{KEYCLOAK}.tar.gz"));
    if !archive.is_file() {
        stage::run("fetch Keycloak", maven(&at))?;
    }
    if unpacked.is_dir() {
        fs::remove_dir_all(&unpacked).with_context(|| format!("cannot remove {}", unpacked.display()))?;
    }
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(archive).arg("-C").arg(&at);
    stage::run("unpack Keycloak", tar)?;
    Ok(unpacked)
}

/// Copies its archive to that folder.
fn maven(folder: &Path) -> Command {
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode"]).arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy");
    maven.arg(format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:tar.gz"));
    maven.arg(format!("-DoutputDirectory={}", folder.display()));
    maven
}

fn folder() -> PathBuf {
    stage::root().join("tests/parties")
}

/// The target folder, where we were built, too.
fn target() -> Result<PathBuf> {
    let bongsu = up::bongsu()?;
    bongsu.ancestors().nth(2).map(Path::to_owned).context("bongsu is not two folders below target")
}

fn node_is_there() -> bool {
    node_version().is_some_and(|version| version >= OLDEST_NODE) && stage::is_installed("npm")
}

fn node_version() -> Option<u32> {
    let said = Command::new("node").arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&said.stdout))
}

/// 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
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
        let names: Vec<String> = node_tests().expect("listed").iter().map(|path| path.display().to_string()).collect();
        assert!(names.iter().any(|name| name.ends_with("openid_client.test.mjs")) && names.len() > 1, "{names:?}");
    }
}
