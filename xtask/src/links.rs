//! `links`: how long all binaries take to link when nothing else is to be built.
//!
//! Every context has a binary of its own. Were they to take more than [`MOST`] together, they would become one binary that is
//! told a name.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::stage;

/// All of them together, cold.
const MOST: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "the time that a build takes is real")]
fn now() -> Instant {
    Instant::now()
}

/// Builds everything, takes the binaries away, and builds them again.
pub(crate) fn run() -> Result<()> {
    let build = || stage::cargo(&["build", "-q", "--workspace", "--bins"]);
    stage::run("build", build())?;
    let metadata = stage::cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]).output();
    let metadata: Value = serde_json::from_slice(&metadata.context("cannot start cargo")?.stdout)?;
    let folder =
        Path::new(metadata["target_directory"].as_str().context("cargo names no target folder")?).join("debug");
    // This very program goes on without being linked anew.
    let names: Vec<String> = binaries(&metadata).into_iter().filter(|name| name != "xtask").collect();
    for name in &names {
        take_away(&folder, name)?;
    }
    let began = now();
    stage::run("links", build())?;
    let took = began.elapsed();
    println!("{} binaries linked in {:.1} s{}", names.len(), took.as_secs_f64(), load());
    if took > MOST {
        bail!("above {} s: contexts become one binary with a name", MOST.as_secs());
    }
    Ok(())
}

/// How busy the machine was meanwhile, where it says so: a figure of a busy one is none (proc_loadavg(5)).
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).map(|load| format!(", load {load}")).unwrap_or_default()
}

fn binaries(metadata: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let targets = list(&metadata["packages"]).into_iter().flat_map(|package| list(&package["targets"]));
    let is_binary = |target: &Value| target["kind"] == serde_json::json!(["bin"]);
    targets.filter(is_binary).filter_map(|target| Some(target["name"].as_str()?.to_owned())).collect()
}

/// Takes a program away, under both of its names.
fn take_away(folder: &Path, name: &str) -> Result<()> {
    let prefix = format!("{}-", name.replace('-', "_"));
    for entry in fs::read_dir(folder.join("deps"))? {
        let path = entry?.path();
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if file.strip_prefix(&prefix).is_some_and(|hash| hash.chars().all(|c| c.is_ascii_hexdigit())) {
            fs::remove_file(path)?;
        }
    }
    fs::remove_file(folder.join(name)).with_context(|| format!("there is no {name} in {}", folder.display()))
}
