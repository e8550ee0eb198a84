//! Rules are pure. A `*-domain` crate depends on the kernel, money and serde, and names nothing that does I/O. In a context
//! that is one crate, wherever it is (the example that `bongsu new` writes, the platform's own), every module that decides (it
//! implements a `Decider`, `Decision`, `Process` or `Aggregate`) uses the kernel, money, serde and std, and other modules that
//! keep to the same; without a glob, so that it can be seen. A program of one file has no module of rules: the coffee shop,
//! which is read from top to bottom.
//!
//! This reads text: it sees paths and `use`, not what a macro or a method of another crate's type brings in.

use std::collections::BTreeSet;

use crate::tidy::{
    Report, Tree,
    manifest::{Crate, Kind, crates},
    source::{Source, has_word, is_word},
};

mod paths;

const MAY_DEPEND_ON: &[&str] = &["bongsu-core", "money", "serde"];

/// What a module that decides may name: crates by the names they have in code.
const MAY_NAME: &[&str] = &["bongsu_core", "money", "serde", "std", "core", "alloc"];

/// What is nobody's.
const PRIMITIVE: &[&str] =
    &["bool", "char", "str", "f64", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "usize"];

/// A module that implements one of these decides.
const DECIDES: &[&str] = &["Aggregate", "Decider", "Decision", "Process"];

/// Where contexts are. What the framework has of them are examples in its documentation and its tests' own.
const SHELVES: &[&str] = &["mall/", "platform/", "examples/"];

/// Words that stand for time, tasks, chance, the machine or the one who builds, or for what is kept between two calls.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "tokio",
    "futures",
    "rand",
    "SystemTime",
    "Instant",
    "std::time",
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    // Their order is another one in every process: what a rule says would be, too.
    "HashMap",
    "HashSet",
    "RandomState",
    // What a rule says, it returns.
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    // What was set when it was built.
    "env!",
    "option_env!",
    // State that is in no event.
    "static mut",
    "thread_local!",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "OnceCell",
    "LazyCell",
    "Cell",
    "RefCell",
    "UnsafeCell",
    "std::sync::atomic",
    "AtomicBool",
    "AtomicI64",
    "AtomicU32",
    "AtomicU64",
    "AtomicUsize",
];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for found in crates(tree, report) {
        if found.name.ends_with("-domain") {
            check_domain(tree, &found, report);
        } else if SHELVES.iter().any(|shelf| found.dir.starts_with(shelf)) {
            check_small(tree, &found, report);
        }
    }
}

fn check_domain(tree: &Tree, domain: &Crate, report: &mut Report) {
    report.saw_one();
    for (kind, name, _) in domain.dependencies() {
        if kind != Kind::Dev && !MAY_DEPEND_ON.contains(&name) {
            report.found(&domain.path, 0, format!("a domain depends on {MAY_DEPEND_ON:?} only, not on `{name}`"));
        }
    }
    for (path, source) in tree.sources_under(&format!("{}/src/", domain.dir)) {
        check_words(path, source, report);
    }
}

fn check_words(path: &str, source: &Source, report: &mut Report) {
    for (line, code) in source.bare_lines() {
        for word in IMPURE.iter().filter(|word| has_word(code, word)) {
            report.found(
                path,
                line,
                format!("`{word}` among rules: what they need comes in by Ctx or command, what they say goes out"),
            );
        }
    }
}

fn check_small(tree: &Tree, context: &Crate, report: &mut Report) {
    let folder = format!("{}/src/", context.dir);
    let sources: Vec<_> = tree.sources_under(&folder).collect();
    if sources.len() == 1 {
        return;
    }
    let pure = pure_modules(&folder, &sources);
    for (path, source) in sources.into_iter().filter(|(_, source)| decides(source)) {
        report.saw_one();
        check_words(path, source, report);
        for (line, wrong) in paths::named(source).into_iter().filter_map(|(line, path)| wrong(&pure, &path, line)) {
            report.found(path, line, wrong);
        }
    }
}

/// The modules that name only what rules may name: rules decide over what these hold.
fn pure_modules(folder: &str, sources: &[(&str, &Source)]) -> BTreeSet<String> {
    let module = |path: &str| path[folder.len()..].split(['/', '.']).next().unwrap_or_default().to_owned();
    let mut pure: BTreeSet<String> = sources.iter().map(|(path, _)| module(path)).collect();
    pure.retain(|module| module != "lib" && module != "main");
    loop {
        let is_pure = |source: &Source| {
            let impure = |code: &str| IMPURE.iter().any(|word| has_word(code, word));
            let mut named = paths::named(source).into_iter();
            named.all(|(line, path)| wrong(&pure, &path, line).is_none())
                && !source.bare_lines().any(|(_, code)| impure(code))
        };
        let mut kept = pure.clone();
        for (path, _) in sources.iter().filter(|(_, source)| !decides(source) && !is_pure(source)) {
            kept.remove(&module(path));
        }
        if kept.len() == pure.len() {
            return kept;
        }
        pure = kept;
    }
}

/// Whether one of [`DECIDES`] stands before a `for`, as it does in an `impl` alone, with generics or broken over lines.
fn decides(source: &Source) -> bool {
    let mut before = "";
    source.bare_lines().flat_map(|(_, code)| code.split_whitespace()).any(|word| {
        let implemented = std::mem::replace(&mut before, word);
        // Of a path, and of what generics stand before it, the last name.
        let name = implemented.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        word == "for" && DECIDES.contains(&name)
    })
}

/// What is wrong with a path that a module of rules names.
fn wrong(rules: &BTreeSet<String>, path: &[String], line: usize) -> Option<(usize, String)> {
    let root = path.first()?.as_str();
    let next = path.get(1).map(String::as_str);
    let what = path.join("::");
    if path.last().is_some_and(|last| last == "*") {
        return Some((line, format!("`{what}` among rules: a glob hides what is named")));
    }
    let machine = IMPURE.iter().any(|impure| what == **impure || what.starts_with(&format!("{impure}::")));
    let is_fine = !machine
        && match root {
            "crate" => next.is_some_and(|module| rules.contains(module)),
            "self" | "Self" => true,
            _ => MAY_NAME.contains(&root) || PRIMITIVE.contains(&root),
        };
    (!is_fine).then(|| (line, format!("`{what}` among rules: they name {MAY_NAME:?} and what is as pure")))
}
