//! Manifests: what a new system's says, and which of a workspace must name a new context.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::change::Change;
use super::name::Name;

const MANIFEST: &str = "Cargo.toml";
/// Names every package that a workspace has or needs.
pub(super) const LOCK: &str = "Cargo.lock";
/// What a context depends on; the rest of the dependencies here are not its.
const NEEDED: &[&str] = &[
    "axum",
    "bongsu",
    "bongsu-core",
    "bongsu-host",
    "bongsu-runtime",
    "bongsu-testing",
    "serde",
    "serde_json",
    "tokio",
    "utoipa",
];

/// A path as a manifest says it.
pub(super) fn quoted(path: &Path) -> String {
    // A JSON string is one of TOML, too.
    serde_json::Value::from(path.to_string_lossy().into_owned()).to_string()
}

/// The manifest of the workspace around a folder.
pub(super) fn workspace(folder: &Path) -> Result<PathBuf> {
    for manifest in folder.ancestors().map(|around| around.join(MANIFEST)) {
        if let Ok(text) = fs::read_to_string(&manifest)
            && table(&manifest, &text)?.contains_key("workspace")
        {
            return Ok(manifest);
        }
    }
    bail!("no workspace around {}: a context is a member of one", folder.display())
}

/// What a file of TOML says, or in one line why it cannot be read.
fn table(path: &Path, text: &str) -> Result<Table> {
    let read = text.parse::<Table>();
    read.map_err(|error| anyhow!("{} cannot be read: {}", path.display(), error.message().replace('\n', ", ")))
}

/// What is read of a lock file.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// Refuses the name of a package that the workspace of a lock file has or needs; a crate is spelt with `-` and `_` alike.
pub(super) fn refuse_package(lock: &str, name: &Name) -> Result<()> {
    let lock: Lock = toml::from_str(lock).ok().with_context(|| format!("{LOCK} is no lock file"))?;
    match lock.package.iter().find(|package| package.name.replace('_', "-").to_lowercase() == name.kebab()) {
        Some(taken) => bail!("{} is a package that this workspace has or needs", taken.name),
        None => Ok(()),
    }
}

/// The same for a workspace that is there; one that was never built has no lock file.
pub(super) fn refuse_package_of(root: &Path, name: &Name) -> Result<()> {
    match fs::read_to_string(root.with_file_name(LOCK)) {
        Ok(lock) => refuse_package(&lock, name),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("cannot read {}: {error}", root.with_file_name(LOCK).display()),
    }
}

/// The lock file of a system of its own: that of these sources without their own members, but for the framework.
pub(super) fn lock_of_system(sources: &Path) -> Result<String> {
    let text = fs::read_to_string(sources.join(LOCK)).context("cannot read the framework's lock file")?;
    let mark = "\n[[package]]\n";
    let mut parts = text.split(mark);
    let head = parts.next().unwrap_or_default().to_owned();
    let is_kept = |part: &&str| part.contains("\nsource = ") || part.starts_with("name = \"bongsu");
    Ok(parts.filter(is_kept).fold(head, |kept, part| kept + mark + part))
}

/// The manifests that must name a new context, as they are to be: the workspace's, unless it takes every folder there, and
/// that of tests over all contexts, if there are any.
pub(super) fn changes(root: &Path, folder: &Path, name: &Name) -> Result<Vec<Change>> {
    let top = root.parent().context("a file is in a folder")?;
    let under = folder.strip_prefix(top.canonicalize()?).context("the system is outside its workspace")?;
    let member = |last: &str| under.join(last).to_string_lossy().into_owned();
    let text = fs::read_to_string(root)?;
    let members = members(&text).with_context(|| format!("{} has no list of members", root.display()))?;
    let mut changes = Vec::new();
    if !members.get_ref().contains(&member("*")) {
        changes.push(with_member(root, &text, members.span().start, &member(name.kebab()))?);
    }
    let tests = top.join("tests").join(MANIFEST);
    if let Ok(text) = fs::read_to_string(&tests)
        && tests_depend(&table(&tests, &text)?, &member(""))
    {
        changes.push(with_test_dependency(&tests, &text, name.kebab(), &format!("../{}", member(name.kebab())))?);
    }
    Ok(changes)
}

/// The members that a workspace lists, and where in its text.
fn members(text: &str) -> Option<Spanned<Vec<String>>> {
    #[derive(Deserialize)]
    struct Root {
        workspace: Workspace,
    }
    #[derive(Deserialize)]
    struct Workspace {
        members: Spanned<Vec<String>>,
    }
    toml::from_str::<Root>(text).ok().map(|root| root.workspace.members)
}

/// A workspace's manifest whose list, which starts there, has one more member.
fn with_member(root: &Path, text: &str, start: usize, member: &str) -> Result<Change> {
    let (before, list) = text.split_at(start);
    let list = list.strip_prefix('[').unwrap_or(list);
    let quoted = quoted(Path::new(member));
    let after = match list.trim_start_matches([' ', '\t']) {
        rest if rest.starts_with(['\n', '\r', '#']) => format!("{before}[\n    {quoted},{list}"),
        rest if rest.starts_with(']') => format!("{before}[{quoted}{rest}"),
        rest => format!("{before}[{quoted}, {rest}"),
    };
    Change::checked(root, text, after, |root| {
        root.get_mut("workspace")?.get_mut("members")?.as_array_mut()?.insert(0, member.into());
        Some(())
    })
}

/// Whether tests depend on a context of that folder.
fn tests_depend(tests: &Table, folder: &str) -> bool {
    let beside = format!("../{folder}");
    let path = |how: &Value| how.get("path").and_then(Value::as_str).is_some_and(|path| path.starts_with(&beside));
    tests.get("dependencies").and_then(Value::as_table).is_some_and(|all| all.values().any(path))
}

/// The manifest of tests that depend on one more context.
fn with_test_dependency(tests: &Path, text: &str, name: &str, path: &str) -> Result<Change> {
    let line = format!("{name} = {{ path = {} }}", quoted(Path::new(path)));
    Change::checked(tests, text, with_dependency(text, name, &line), |tests| {
        let how = Table::from_iter([("path".to_owned(), Value::from(path))]);
        let all = tests.get_mut("dependencies")?.as_table_mut()?;
        all.insert(name.to_owned(), how.into()).is_none().then_some(())
    })
}

/// A manifest with one more dependency, in its place by name.
fn with_dependency(text: &str, name: &str, line: &str) -> String {
    let mut lines = Vec::new();
    let mut inside = false;
    let mut done = false;
    for there in text.lines() {
        let ends = inside && (there.is_empty() || there.starts_with('['));
        if !done && inside && (ends || there.split([' ', '.', '=']).next().is_some_and(|key| key > name)) {
            lines.push(line);
            done = true;
        }
        inside = there == "[dependencies]" || (inside && !ends);
        lines.push(there);
    }
    if !done {
        lines.push(line);
    }
    lines.join("\n") + "\n"
}

/// The manifest of a system of its own: what every member inherits, the lints and profiles of these sources, and its crates by
/// their path.
pub(super) fn of_system(sources: &Path, name: &Name) -> Result<String> {
    let text = fs::read_to_string(sources.join(MANIFEST)).context("cannot read the framework's manifest")?;
    let mut manifest = format!("[workspace]\nresolver = \"3\"\nmembers = [\n    \"{}\",\n]\n", name.kebab());
    let mut section = "";
    for line in text.lines() {
        let before = section;
        if line.starts_with('[') {
            section = line;
        }
        let is_kept =
            ["[workspace.package]", "[workspace.lints", "[profile"].iter().any(|head| section.starts_with(head));
        if is_kept && !line.is_empty() && !line.starts_with('#') {
            let gap = if before == section { "" } else { "\n" };
            manifest += &format!("{gap}{line}\n");
        } else if section == "[workspace.dependencies]" {
            let gap = if before == section { "" } else { "\n[workspace.dependencies]\n" };
            manifest += gap;
            manifest += &dependency(line, sources);
        }
    }
    Ok(manifest)
}

/// A dependency of these sources that a context needs, with its path from anywhere.
fn dependency(line: &str, sources: &Path) -> String {
    let Some((name, how)) = line.split_once(" = ").filter(|(name, _)| NEEDED.contains(name)) else {
        return String::new();
    };
    match how.split_once("path = \"").and_then(|(_, rest)| rest.split_once('"')) {
        Some((path, _)) => format!("{name} = {{ path = {} }}\n", quoted(&sources.join(path))),
        None => format!("{line}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_comes_in_its_place_by_name() {
        let text = "[package]\nname = \"tests\"\n\n[dependencies]\naudit = { path = \"a\" }\nserde.workspace = true\n\n[lints]\n";
        let with = with_dependency(text, "review", "review = 1");
        assert!(with.contains("audit = { path = \"a\" }\nreview = 1\nserde.workspace"), "{with}");
        let last = with_dependency(text, "zoo", "zoo = 1");
        assert!(last.contains("serde.workspace = true\nzoo = 1\n\n[lints]"), "{last}");
    }

    #[test]
    fn a_context_is_named_where_no_pattern_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (root, name) = (top.join(MANIFEST), Name::parse("door").unwrap());
        let changed = |members: &str, under: &Path| {
            fs::write(&root, format!("[workspace]\nmembers = [{members}]\n[profile.dev.package.\"*\"]\n")).unwrap();
            changes(&root, under, &name).unwrap().into_iter().map(|change| change.after).collect::<String>()
        };
        assert!(changed("\"note\"", &top).contains("members = [\"door\", \"note\"]"));
        assert!(changed("\n    \"note\",\n", &top).contains("members = [\n    \"door\",\n    \"note\",\n]"));
        assert!(changed(" ", &top).contains("members = [\"door\"]"));
        assert!(changed("\"note\"", &top.join("mall")).contains("[\"mall/door\", "));
        assert_eq!(changed("\"mall/*\", \"tests\"", &top.join("mall")), "");
        fs::create_dir(top.join("tests")).unwrap();
        fs::write(top.join("tests").join(MANIFEST), "[dependencies]\nbell = { path = \"../mall/bell\" }\n").unwrap();
        let with = changed("\"mall/*\", \"tests\"", &top.join("mall"));
        assert_eq!(with, "[dependencies]\nbell = { path = \"../mall/bell\" }\ndoor = { path = \"../mall/door\" }\n");
    }

    #[test]
    fn only_the_list_of_members_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (root, name) = (top.join(MANIFEST), Name::parse("door").unwrap());
        for (before, after) in [
            ("[workspace]\ndefault-members = [\"a\"]\nmembers = [\"a\"]\n", "\nmembers = [\"door\", \"a\"]"),
            ("[workspace]\n# members = [\"b\"]\nmembers=[\"a\"]\n", "\"b\"]\nmembers=[\"door\", \"a\"]"),
            ("[workspace] # ours\nmembers = [ # all\n  'a']\n", "members = [\n    \"door\", # all\n  'a']"),
            ("workspace = { members = [ 'a', ] }\n", "members = [\"door\", 'a', ]"),
            ("workspace.members = ['a']\n", "members = [\"door\", 'a']"),
        ] {
            fs::write(&root, before).unwrap();
            assert_eq!(workspace(&top).unwrap(), root);
            let after_all = changes(&root, &top, &name).unwrap().remove(0).after;
            assert!(after_all.contains(after), "{before}: {after_all}");
        }
    }

    #[test]
    fn what_cannot_be_changed_safely_is_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (root, name) = (top.join(MANIFEST), Name::parse("door").unwrap());
        fs::create_dir(top.join("tests")).unwrap();
        let refused = |said: &str, tests: &str| {
            fs::write(&root, said).unwrap();
            fs::write(top.join("tests").join(MANIFEST), tests).unwrap();
            let why = workspace(&top).and_then(|root| changes(&root, &top, &name)).unwrap_err().to_string();
            assert_eq!(why.lines().count(), 1, "{why}");
            why
        };
        assert!(refused("[workspace]\n", "").contains("no list of members"));
        assert!(refused("[workspace\n", "").contains("cannot be read"));
        let members = "[workspace]\nmembers = ['a']\n";
        for tests in ["[dependencies.bell]\npath = \"../bell\"\n", "dependencies = { bell = { path = \"../bell\" } }\n"]
        {
            assert!(refused(members, tests).contains("by hand"), "{tests}");
        }
    }

    #[test]
    fn what_a_context_depends_on_is_no_name_where_no_lock_file_says_so() {
        for package in NEEDED {
            assert!(Name::parse(&package.replace('_', "-")).is_err(), "{package}");
        }
    }

    #[test]
    fn a_package_of_the_workspace_is_refused_and_a_member_of_the_sources_is_none_of_a_system() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let name = |text: &str| Name::parse(text).unwrap();
        let root = sources.join(MANIFEST);
        for taken in ["serde-path-to-error", "note", "xtask", "rand", "system-tests"] {
            let why = refuse_package_of(&root, &name(taken)).unwrap_err().to_string();
            assert!(why.contains("is a package that this workspace") && !why.contains('\n'), "{taken}: {why}");
        }
        refuse_package_of(&root, &name("gift-card")).unwrap();
        let lock = lock_of_system(&sources).unwrap();
        assert!(refuse_package(&lock, &name("rand")).is_err() && refuse_package(&lock, &name("note")).is_ok());
    }

    #[test]
    fn a_system_inherits_what_the_sources_have_and_its_crates_by_path() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let manifest = of_system(&sources, &Name::parse("review").unwrap()).unwrap();
        for head in ["[workspace.package]", "[workspace.dependencies]", "[workspace.lints.rust]", "[profile.dev]"] {
            assert_eq!(manifest.matches(head).count(), 1, "{head}: {manifest}");
        }
        for name in NEEDED {
            assert!(manifest.lines().any(|line| line.starts_with(&format!("{name} = "))), "{name}: {manifest}");
        }
        assert!(
            manifest.contains(&quoted(&sources.join("framework/bongsu"))) && !manifest.contains("rusqlite"),
            "{manifest}"
        );
    }
}
