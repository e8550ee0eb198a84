//! Nothing long may grow: what is over the line is listed with its size, and the list only gets shorter.
//!
//! A limit alone would be raised the first time it hurts; a ratchet lets what exists stay and everything
//! new be short.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::tidy::{Report, Tree};

/// Where the list is.
const LIST: &str = "xtask/ratchet.toml";
const FILE_LINES: usize = 500;
/// Characters of one function: what fits a screen, however it is broken into lines. Others' 95th percentiles are 750 to
/// 1 765.
const CHARACTERS: usize = 1_800;
/// Ways through one function.
const BRANCHES: usize = 12;
const SOURCES: &[&str] = &[".rs", ".ts", ".vue", ".js", ".css"];

const HEADER: &str =
    "# Files over 500 lines, functions over 1 800 characters of code, and those with more than 12 ways through. Nothing
# here may grow and nothing may be added; `cargo xtask tidy --lower` writes down what became smaller. Split by idea,
# never for the number.
";

/// Sizes of what is over the line.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    /// Lines by path.
    files: BTreeMap<String, usize>,
    /// Characters by `path::function`; `#2` for the second of one name.
    functions: BTreeMap<String, usize>,
    /// Ways through by `path::function`.
    branches: BTreeMap<String, usize>,
}

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let listed = match listed(tree) {
        Ok(listed) => listed,
        Err(error) => return report.found(LIST, 0, format!("{error:#}")),
    };
    let found = measure(tree);
    tree.rust().for_each(|_| report.saw_one());
    compare(&found.files, &listed.files, (FILE_LINES, "lines"), report);
    compare(&found.functions, &listed.functions, (CHARACTERS, "characters"), report);
    compare(&found.branches, &listed.branches, (BRANCHES, "ways through"), report);
}

/// Writes the list again with what became smaller; what grew or is new stays a finding.
///
/// # Errors
/// When the repository or the list cannot be read, or the list cannot be written.
pub(crate) fn lower(root: &Path) -> Result<()> {
    let tree = Tree::load(root)?;
    let listed = listed(&tree)?;
    let found = measure(&tree);
    let lowered = Sizes {
        files: smaller(&listed.files, &found.files),
        functions: smaller(&listed.functions, &found.functions),
        branches: smaller(&listed.branches, &found.branches),
    };
    let text = toml::to_string(&lowered).context("the list cannot be written as TOML")?;
    fs::write(root.join(LIST), format!("{HEADER}{text}")).with_context(|| format!("cannot write {LIST}"))
}

fn listed(tree: &Tree) -> Result<Sizes> {
    toml::from_str(tree.text(LIST).context("missing")?).context("cannot be read")
}

fn measure(tree: &Tree) -> Sizes {
    let mut sizes = Sizes::default();
    for (path, source) in tree.sources_under("").filter(|(path, _)| SOURCES.iter().any(|end| path.ends_with(end))) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            sizes.files.insert(path.into(), lines);
        }
        if !path.ends_with(".rs") {
            continue;
        }
        let mut nth: BTreeMap<&str, usize> = BTreeMap::new();
        for function in source.functions() {
            let nth = nth.entry(function.name).and_modify(|nth| *nth += 1).or_insert(1);
            let key = if *nth == 1 { function.name.into() } else { format!("{}#{nth}", function.name) };
            if function.characters > CHARACTERS {
                sizes.functions.insert(format!("{path}::{key}"), function.characters);
            }
            if function.branches > BRANCHES {
                sizes.branches.insert(format!("{path}::{key}"), function.branches);
            }
        }
    }
    sizes
}

fn compare(
    found: &BTreeMap<String, usize>,
    listed: &BTreeMap<String, usize>,
    (limit, unit): (usize, &str),
    report: &mut Report,
) {
    for (what, size) in found {
        match listed.get(what) {
            None => report.found(what, 0, format!("{size} {unit}, at most {limit}: split it by idea")),
            Some(was) if size > was => {
                report.found(what, 0, format!("grew from {was} to {size} {unit}; it may only shrink"))
            }
            Some(was) if size < was => {
                report.found(what, 0, format!("shrank to {size}: run `cargo xtask tidy --lower`"))
            }
            Some(_) => {}
        }
    }
    for what in listed.keys().filter(|what| !found.contains_key(*what)) {
        report.found(what, 0, "is short or gone: run `cargo xtask tidy --lower`");
    }
}

fn smaller(listed: &BTreeMap<String, usize>, found: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let both = listed.iter().filter_map(|(what, was)| Some((what.clone(), *was.min(found.get(what)?))));
    both.collect()
}
