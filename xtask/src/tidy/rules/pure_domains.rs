//! Rules are pure. A `*-domain` crate depends on the kernel, money and serde, and names nothing that does I/O. In a context
//! that is one crate, wherever it is (the example that `bongsu new` writes, the platform's own), every module that decides (it
//! implements a `Decider`, `Decision`, `Process` or `Aggregate`) uses the kernel, money, serde and std, and other modules that
//! keep to the same; without a glob, so that it can be seen. A program of one file has no module of rules: the coffee shop,
//! which is read from top to bottom.
//!
//! Of std they name what [`OF_STD`] lists: it computes. What waits, shares, or reads the world is not in it, whatever its name.
//!
//! This reads text: it sees paths and `use`, also a trait that a `use` renamed, not what a macro or a method of another crate's
//! type brings in.

use std::collections::BTreeSet;

use crate::tidy::{
    Report, Tree,
    manifest::{Crate, Kind, crates},
    source::{Source, has_word, is_word},
};

mod paths;

const MAY_DEPEND_ON: &[&str] = &["bongsu-core", "money", "serde"];

/// What a module that decides may name: crates by the names they have in code.
const MAY_NAME: &[&str] = &["bongsu_core", "money", "serde"];

/// The crates of the language itself.
const STD: &[&str] = &["std", "core", "alloc"];

/// What rules may name of std: what gives the same whenever, wherever and however often it is asked.
const OF_STD: &[&str] = &[
    "array",
    "borrow",
    "boxed",
    "char",
    "clone",
    "cmp",
    // A HashMap has another order in every process.
    "collections::BTreeMap",
    "collections::BTreeSet",
    "collections::BinaryHeap",
    "collections::VecDeque",
    "collections::btree_map",
    "collections::btree_set",
    "convert",
    "default",
    "error",
    "fmt",
    "hash::Hash",
    "hash::Hasher",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "option",
    "result",
    "slice",
    "str",
    "string",
    // What is shared and never altered.
    "sync::Arc",
    "vec",
];

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
    // What was set, or lay beside it, when it was built; or a text from elsewhere that no rule here reads.
    "env!",
    "option_env!",
    "cfg!",
    "include!",
    "include_str!",
    "include_bytes!",
    "#[path",
    // A crate by another name.
    "extern",
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
        for named in paths::named(source).into_iter().filter(|named| STD.contains(&named.path[0].as_str())) {
            if !is_of_std(&named.path) {
                report.found(path, named.line, not_of_std(&named.path));
            }
        }
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
    let traits = deciding(&sources);
    let pure = pure_modules(&folder, &sources, &traits);
    for (path, source) in sources.into_iter().filter(|(_, source)| decides(source, &traits)) {
        report.saw_one();
        check_words(path, source, report);
        for named in paths::named(source) {
            if let Some(wrong) = wrong(&pure, module(&folder, path), &named.path) {
                report.found(path, named.line, wrong);
            }
        }
    }
}

/// [`DECIDES`], and what a `use` of the crate calls one of them.
fn deciding(sources: &[(&str, &Source)]) -> BTreeSet<String> {
    let renamed: Vec<_> = sources.iter().flat_map(|(_, source)| paths::renamed(source)).collect();
    let mut known: BTreeSet<String> = DECIDES.iter().map(|name| (*name).to_owned()).collect();
    loop {
        let again = renamed.iter().filter(|(was, _)| known.contains(was)).map(|(_, is)| is.clone());
        let more: BTreeSet<String> = known.iter().cloned().chain(again).collect();
        if more.len() == known.len() {
            return known;
        }
        known = more;
    }
}

/// The modules that name only what rules may name: rules decide over what these hold.
fn pure_modules(folder: &str, sources: &[(&str, &Source)], traits: &BTreeSet<String>) -> BTreeSet<String> {
    let mut pure: BTreeSet<String> = sources.iter().map(|(path, _)| module(folder, path).to_owned()).collect();
    pure.retain(|module| module != "lib" && module != "main");
    loop {
        let is_pure = |own: &str, source: &Source| {
            let impure = |code: &str| IMPURE.iter().any(|word| has_word(code, word));
            paths::named(source).iter().all(|named| wrong(&pure, own, &named.path).is_none())
                && !source.bare_lines().any(|(_, code)| impure(code))
        };
        let mut kept = pure.clone();
        for (path, source) in sources.iter().filter(|(_, source)| !decides(source, traits)) {
            let own = module(folder, path);
            if !is_pure(own, source) {
                kept.remove(own);
            }
        }
        if kept.len() == pure.len() {
            return kept;
        }
        pure = kept;
    }
}

/// The module at the top of its crate that a file is of.
fn module<'a>(folder: &str, path: &'a str) -> &'a str {
    path[folder.len()..].split(['/', '.']).next().unwrap_or_default()
}

/// Whether one of these traits stands before a `for`, as it does in an `impl` alone, with generics or broken over lines.
fn decides(source: &Source, traits: &BTreeSet<String>) -> bool {
    let code: String = source.bare_lines().map(|(_, code)| format!("{code}\n")).collect();
    code.match_indices("for").any(|(at, word)| {
        let is_alone = code[at + word.len()..].starts_with(char::is_whitespace);
        let before = code[..at].trim_end();
        let is_after = before.len() < at;
        // Of a path the last name, without the generics behind it.
        let implemented = &before[..generics_at(before)];
        let name = implemented.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        is_alone && is_after && traits.contains(name)
    })
}

/// Where the generics begin that a text ends with; its end, where there are none.
fn generics_at(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            '>' => depth += 1,
            '<' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if c == '<' { at } else { text.len() };
        }
    }
    text.len()
}

/// What is wrong with a path that a module of rules names, `own` by the name it has at the top.
fn wrong(rules: &BTreeSet<String>, own: &str, path: &[String]) -> Option<String> {
    let root = path.first()?.as_str();
    let next = path.get(1).map(String::as_str);
    let what = path.join("::");
    if path.last().is_some_and(|last| last == "*") {
        return Some(format!("`{what}` among rules: a glob hides what is named"));
    }
    if STD.contains(&root) {
        return (!is_of_std(path)).then(|| not_of_std(path));
    }
    let is_fine = match root {
        "crate" => next.is_some_and(|module| rules.contains(module)),
        "Self" => true,
        "self" => rules.contains(own) || next.is_some_and(|name| name.starts_with(char::is_uppercase)),
        _ => (MAY_NAME.contains(&root) || PRIMITIVE.contains(&root)) && !IMPURE.contains(&what.as_str()),
    };
    (!is_fine).then(|| format!("`{what}` among rules: they name {MAY_NAME:?} and what is as pure"))
}

fn is_of_std(path: &[String]) -> bool {
    let what = path[1..].join("::");
    let is_below =
        |listed: &str| what.strip_prefix(listed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    OF_STD.iter().any(|listed| is_below(listed)) || PRIMITIVE.iter().any(|listed| is_below(listed))
}

fn not_of_std(path: &[String]) -> String {
    format!("`{}` among rules: of std they name what only computes (OF_STD)", path.join("::"))
}
