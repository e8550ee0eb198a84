//! Rooms: in the runtime no import goes up, and in no crate do more than four files need each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{
    Report, Tree,
    imports::{Import, Module, Modules},
    manifest::crates,
};

const RUNTIME: &str = "framework/bongsu-runtime";

/// The runtime's rooms from the bottom up. `lib.rs`, above all of them, passes names on.
const ROOMS: &[&str] = &[
    "ports",
    "ask",
    "records",
    "commit",
    "query",
    "lease",
    "snapshot",
    "process",
    "command",
    "relay",
    "projection",
    "consume",
    "todo",
    "operate",
    "service",
    "handle",
    "runtime",
];

/// Where no circle may be larger than [`MOST`].
const SHELVES: &[&str] = &["framework/", "platform/", "mall/"];

/// Files that may need each other.
const MOST: usize = 4;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for found in crates(tree, report) {
        if !SHELVES.iter().any(|shelf| found.dir.starts_with(shelf)) {
            continue;
        }
        let modules = Modules::of(tree, &found.dir);
        modules.files().for_each(|_| report.saw_one());
        let imports = modules.imports();
        if found.dir == RUNTIME {
            look_up(&modules, &imports, report);
        }
        look_around(&found.dir, &modules, &imports, report);
    }
    if !tree.exists(RUNTIME) {
        report.found(RUNTIME, 0, "has moved: its rooms are not looked at");
    }
}

/// Imports from a room into one above it.
fn look_up(modules: &Modules, imports: &BTreeSet<Import>, report: &mut Report) {
    let paths: BTreeMap<&Module, &str> = modules.files().collect();
    let floor = |module: &Module| match module.first() {
        Some(room) => ROOMS.iter().position(|known| known == room),
        None => Some(ROOMS.len()),
    };
    for (module, path) in &paths {
        if floor(module).is_none() {
            report.found(path, 0, format!("a room without a floor: say where it is among {ROOMS:?}"));
        }
    }
    for import in imports.iter().filter(|import| floor(&import.to) > floor(&import.from)) {
        let (from, to) = (import.from.join("::"), import.to.join("::"));
        report.found(paths[&import.from], import.line, format!("{from} imports {to}, which is in a room above it"));
    }
}

/// Circles of more files than may be.
fn look_around(dir: &str, modules: &Modules, imports: &BTreeSet<Import>, report: &mut Report) {
    for circle in circles(imports).iter().filter(|circle| circle.len() > MOST) {
        let paths: Vec<&str> = modules.files().filter(|(module, _)| circle.contains(*module)).map(|it| it.1).collect();
        let why = format!("{} files need each other, at most {MOST}: {}", circle.len(), paths.join(", "));
        report.found(paths.first().unwrap_or(&dir), 0, why);
    }
}

/// The sets of modules of which each needs every other one.
fn circles(imports: &BTreeSet<Import>) -> Vec<BTreeSet<Module>> {
    let mut needs: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
    imports.iter().for_each(|import| needs.entry(&import.from).or_default().extend([&import.to]));
    let reach: BTreeMap<&Module, BTreeSet<&Module>> = needs.keys().map(|from| (*from, reached(from, &needs))).collect();
    let mut found: Vec<BTreeSet<Module>> = Vec::new();
    for (from, to) in reach.iter().filter(|(from, to)| to.contains(*from)) {
        if !found.iter().any(|circle| circle.contains(*from)) {
            let back = to.iter().filter(|other| reach.get(*other).is_some_and(|back| back.contains(*from)));
            found.push(back.map(|other| (*other).clone()).collect());
        }
    }
    found
}

fn reached<'m>(from: &'m Module, needs: &BTreeMap<&'m Module, BTreeSet<&'m Module>>) -> BTreeSet<&'m Module> {
    let mut reached = BTreeSet::new();
    let mut left = vec![from];
    while let Some(next) = left.pop() {
        left.extend(needs.get(next).into_iter().flatten().filter(|to| reached.insert(**to)));
    }
    reached
}
