//! `bongsu new`: a context in a system that is there, or a system of its own with one context.
//!
//! What is written is [examples/note](../../../examples/note/README.md) under another name, so that it is compiled and tested
//! here every day. What cannot be is refused in one line, before anything is written.

mod name;
mod template;
mod change;
mod manifest;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::error::ErrorKind;
use supervisor::SystemFile;
use toml::{Table, Value};

use crate::args::{New, NewContext, NewSystem, Place};
use crate::screen::print;
use change::Change;
use name::Name;

/// What a context needs of a workspace.
const SYSTEM_FILE: &str = "bongsu.toml";
/// Says who hears whom, where there is such a page, and is compared with what is there.
const CONTEXT_MAP: &str = "docs/context-map.md";
const UPDATE_MAP: &str = "UPDATE_EXPECT=1 cargo test -p system-tests --test context_map";
const FORMAT: &str = ".rustfmt.toml";

pub(crate) fn new(place: &Place, what: &New) -> Result<ExitCode> {
    match what {
        New::Context(flags) => context(place, flags)?,
        New::System(flags) => system(flags)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with how `bongsu new` was asked, in one line as whatever else it refuses; `None` of anything else.
pub(crate) fn wrongly_asked(asked: &clap::Error) -> Option<String> {
    let text = asked.render().to_string();
    let usage = text.lines().find(|line| line.starts_with("Usage: bongsu new"));
    // Of an option without its value clap says no usage.
    let is_new = usage.is_some() || env::args_os().nth(1).is_some_and(|command| command == "new");
    if !is_new || !asked.use_stderr() {
        return None;
    }
    if asked.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Some(format!("a context or a system? {}", usage.unwrap_or_default()));
    }
    let said = text.strip_prefix("error: ").unwrap_or(&text).split("\n\n");
    let parts = said.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty() && !part.starts_with("For more")).collect();
    Some(parts.join("; "))
}

/// Writes a context beside a `bongsu.toml` and names it where it must be named.
fn context(place: &Place, flags: &NewContext) -> Result<()> {
    let name = Name::parse(&flags.name)?;
    let file = place.file()?;
    let system = SystemFile::read(&file)?;
    let file = file.canonicalize()?;
    let folder = file.parent().context("a file is in a folder")?.to_owned();
    refuse_taken(&name, &system, &folder)?;
    let root = manifest::workspace(&folder)?;
    manifest::refuse_package_of(&root, &name)?;
    let mut changes = vec![with_service(&file, &name)?];
    changes.extend(manifest::changes(&root, &folder, &name)?);
    let own = folder.join(name.kebab());
    if let Err(error) = template::write(&own, &name).and_then(|()| change::make(&changes)) {
        let _none_is_fine = fs::remove_dir_all(&own);
        return Err(error);
    }
    template::format(&own);
    let mut said = vec![format!("{} is in {}", name.kebab(), own.display())];
    said.extend(changes.iter().map(|change| format!("    named in {}", change.path.display())));
    said.push(format!("next: cargo test -p {}", name.kebab()));
    if root.with_file_name(CONTEXT_MAP).exists() {
        said.push(format!("{UPDATE_MAP} draws {CONTEXT_MAP} anew"));
    }
    say(&said);
    Ok(())
}

/// Writes a workspace of its own with one context; the framework's crates are those this was built with.
fn system(flags: &NewSystem) -> Result<()> {
    let name = Name::parse(&flags.context)?;
    let folder = flags.folder.clone();
    if folder.exists() {
        bail!("{} is there already", folder.display());
    }
    let last = folder.file_name().context("a folder needs a name")?.to_string_lossy().into_owned();
    let sources = sources()?;
    refuse_inside(&sources, &folder)?;
    // A folder may have any name; a system's is one of small letters.
    let title = Name::parse(&last).map_or("system", |_| &last);
    let root = manifest::of_system(&sources, &name)?;
    let lock = manifest::lock_of_system(&sources)?;
    manifest::refuse_package(&lock, &name)?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| sources.join("target"), PathBuf::from);
    let cargo = format!("# Shares what is built there.\n[build]\ntarget-dir = {}\n", manifest::quoted(&target));
    let head = "# The system that `bongsu up` starts.";
    let gateway = "[gateway]\nlisten = \"127.0.0.1:8080\"";
    let files = [
        ("Cargo.toml", root),
        (manifest::LOCK, lock),
        (".cargo/config.toml", cargo),
        (FORMAT, fs::read_to_string(sources.join(FORMAT)).unwrap_or_default()),
        (".gitignore", "/target\n/.bongsu\n".to_owned()),
        (SYSTEM_FILE, format!("{head}\nname = \"{title}\"\n\n{gateway}\n\n{}", service(&name))),
    ];
    // What has to be made for it, from the top.
    let made = folder.ancestors().take_while(|around| !around.as_os_str().is_empty() && !around.exists()).last();
    if let Err(error) = write_system(&folder, &name, &files) {
        let _none_is_fine = made.map(fs::remove_dir_all);
        return Err(error);
    }
    template::format(&folder.join(name.kebab()));
    say(&[
        format!("{} is a system with one context, {}", folder.display(), name.kebab()),
        "next, in it: cargo test, cargo build, bongsu up; bongsu new context NAME for another one".to_owned(),
    ]);
    Ok(())
}

fn write_system(folder: &Path, name: &Name, files: &[(&str, String)]) -> Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    template::write(&folder.join(name.kebab()), name)
}

/// Prints lines until nobody reads.
fn say(lines: &[String]) {
    let _all = lines.iter().all(|line| print(line));
}

/// Where this binary was built from.
fn sources() -> Result<PathBuf> {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    built_from
        .canonicalize()
        .with_context(|| format!("the sources this was built from are gone: {}", built_from.display()))
}

/// A folder inside the repository that this was built from: one workspace is not inside another.
fn refuse_inside(sources: &Path, folder: &Path) -> Result<()> {
    let whole = env::current_dir().context("nobody knows where this is")?.join(folder);
    let around = whole.ancestors().find_map(|around| around.canonicalize().ok()).unwrap_or_default();
    if around.starts_with(sources) {
        bail!("{} is inside {}, where `bongsu new context` adds one", folder.display(), sources.display());
    }
    Ok(())
}

/// A name, a folder, or an address that somebody has.
fn refuse_taken(name: &Name, system: &SystemFile, folder: &Path) -> Result<()> {
    if system.services.iter().any(|service| service.name == name.kebab()) {
        bail!("{} has a service {}", system.name, name.kebab());
    }
    let route = format!("/{}", name.plural());
    let has = |taken: &String| *taken == route || taken.strip_suffix("/*").is_some_and(|under| under == route);
    if let Some(service) = system.services.iter().find(|service| service.routes.iter().any(has)) {
        bail!("{route} is a route of {}", service.name);
    }
    let own = folder.join(name.kebab());
    if own.exists() {
        bail!("{} is there already", own.display());
    }
    Ok(())
}

/// A system file with one more context.
fn with_service(file: &Path, name: &Name) -> Result<Change> {
    let text = fs::read_to_string(file)?;
    let added = service(name);
    Change::checked(file, &text, format!("{}\n\n{added}", text.trim_end()), |said| {
        let added = added.parse::<Table>().ok()?.remove("service")?;
        let services = said.entry("service").or_insert_with(|| Value::Array(Vec::new()));
        services.as_array_mut()?.extend(added.as_array()?.iter().cloned());
        Some(())
    })
}

/// What a system file says of a context.
fn service(name: &Name) -> String {
    let (name, plural) = (name.kebab(), name.plural());
    format!("[[service]]\nname = \"{name}\"\ncommand = \"{name}\"\nidempotent = true\nroutes = [\"/{plural}\"]\n")
}
