//! Which module of a crate imports which, by its paths.
//!
//! Names are followed through re-exports to the file that declares them, so that passing a name on is no import, and
//! hiding a circle behind a façade is none either. Paths made by macros are not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Tree,
    source::{Source, is_word},
};

/// A module by its names from the crate's root, which is empty.
pub(crate) type Module = Vec<String>;

/// The modules of one crate, each a file.
pub(crate) struct Modules {
    files: BTreeMap<Module, File>,
}

/// One file.
struct File {
    path: String,
    /// Every `use`, with the name it binds.
    uses: Vec<Mention>,
    /// Every other path of at least two names.
    inline: Vec<Mention>,
}

/// A path somewhere in a file.
struct Mention {
    path: Module,
    binds: String,
    line: usize,
    /// A re-export: passed on and not used here.
    exported: bool,
}

/// One module needs another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: Module,
    pub(crate) to: Module,
    pub(crate) line: usize,
}

/// How many re-exports a name is followed through.
const FOLLOWED: u32 = 8;

impl Modules {
    /// Reads the crate in a folder, tests left out.
    pub(crate) fn of(tree: &Tree, dir: &str) -> Self {
        let src = format!("{dir}/src/");
        let mut files = BTreeMap::new();
        for (path, source) in tree.sources_under(&src) {
            let Some(name) = path[src.len()..].strip_suffix(".rs").filter(|name| !name.starts_with("bin/")) else {
                continue;
            };
            let module = match name {
                "lib" => Vec::new(),
                "main" if tree.exists(&format!("{src}lib.rs")) => continue,
                "main" => Vec::new(),
                name => name.split('/').map(str::to_owned).collect(),
            };
            files.insert(module, File::read(path, source));
        }
        Self { files }
    }

    /// Every module with the path of its file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Module, &str)> {
        self.files.iter().map(|(module, file)| (module, file.path.as_str()))
    }

    /// Every import of another module of the crate, once per line.
    pub(crate) fn imports(&self) -> BTreeSet<Import> {
        let mut found = BTreeSet::new();
        for (from, file) in &self.files {
            let used = file.uses.iter().filter(|mention| !mention.exported);
            for mention in used.chain(&file.inline) {
                let to = self.declares(from, &mention.path, FOLLOWED).filter(|to| to != from);
                found.extend(to.map(|to| Import { from: from.clone(), to, line: mention.line }));
            }
        }
        found
    }

    /// The module that declares what a path means in a module; `None`: no module of this crate.
    fn declares(&self, from: &Module, path: &[String], follow: u32) -> Option<Module> {
        let mut at = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                at = Module::new();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {}
            first if self.child(from, first).is_some() => {}
            _ => return None,
        }
        while let Some((name, after)) = rest.split_first() {
            if name == "super" {
                at.pop()?;
            } else if let Some(child) = self.child(&at, name) {
                at = child;
            } else {
                let bound = self.files.get(&at)?.uses.iter().find(|mention| mention.binds == *name);
                let bound = bound.filter(|_| follow > 0).map(|mention| [&mention.path[..], after].concat());
                return bound.and_then(|path| self.declares(&at, &path, follow - 1)).or(Some(at));
            }
            rest = after;
        }
        Some(at)
    }

    fn child(&self, of: &Module, name: &str) -> Option<Module> {
        let child = [&of[..], &[name.to_owned()]].concat();
        self.files.contains_key(&child).then_some(child)
    }
}

impl File {
    fn read(path: &str, source: &Source) -> Self {
        let mut file = Self { path: path.to_owned(), uses: Vec::new(), inline: Vec::new() };
        let mut statement: Option<(usize, bool, String)> = None;
        for (line, code) in source.bare_lines() {
            let mut code = code.trim();
            if statement.is_none() {
                // Where something is seen from (`pub(in crate::api)`) is no import.
                let (shown, rest) = visibility(code);
                code = rest;
                if let Some(tree) = rest.strip_prefix("use ") {
                    statement = Some((line, shown, String::new()));
                    code = tree;
                }
            }
            match &mut statement {
                Some((.., tree)) => tree.push_str(code),
                None if code.contains("::") => {
                    file.inline.extend(paths(code).map(|path| Mention::of(path, line, false)))
                }
                None => {}
            }
            if let Some((line, shown, tree)) = statement.take_if(|(.., tree)| tree.ends_with(';')) {
                flatten(tree.trim_end_matches(';'), &[], &mut |path| file.uses.push(Mention::of(path, line, shown)));
            }
        }
        file
    }
}

impl Mention {
    /// A path as it stands, `as` and `self` resolved.
    fn of(mut path: Module, line: usize, exported: bool) -> Self {
        let last = path.pop().unwrap_or_default();
        let (name, alias) = last.split_once(" as ").unwrap_or((&last, ""));
        if name != "self" {
            path.push(name.to_owned());
        }
        let binds = if alias.is_empty() { path.last().cloned().unwrap_or_default() } else { alias.to_owned() };
        Self { path, binds, line, exported }
    }
}

/// Whether an item is passed on, and the item without saying so.
fn visibility(code: &str) -> (bool, &str) {
    let Some(rest) = code.strip_prefix("pub") else { return (false, code) };
    let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
    (true, rest.trim_start())
}

/// Every path of a `use` tree.
fn flatten(tree: &str, before: &[String], found: &mut dyn FnMut(Module)) {
    let (own, group) = tree.split_once('{').map_or((tree, None), |(own, rest)| (own, rest.rsplit_once('}')));
    let names = own.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let path: Module = before.iter().cloned().chain(names).collect();
    let Some((group, _)) = group else { return found(path) };
    let mut depth = 0;
    let mut from = 0;
    for (at, byte) in group.bytes().chain([b',']).enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                let item = group[from..at].trim();
                if !item.is_empty() {
                    flatten(item, &path, found);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// Every path of at least two names in a line of code.
fn paths(code: &str) -> impl Iterator<Item = Module> + '_ {
    let words = code.split(|c: char| !is_word(c) && c != ':');
    let words = words.map(|word| word.trim_end_matches(':')).filter(|word| !word.starts_with(':'));
    words.filter(|word| word.contains("::")).map(|word| word.split("::").map(str::to_owned).collect())
}
