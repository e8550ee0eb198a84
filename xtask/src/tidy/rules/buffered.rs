//! What a message holds is read field by field, so that a command refuses what nobody knows.
//!
//! What serde buffers first (`flatten`, `untagged`, `tag`) it reads by its own rules, out of reach of those of the runtime. A
//! message has none of them inside, nor have the types of its fields, and of theirs: only a tag that says `deny_unknown_fields`
//! itself, and has no variant without names, where serde would not look. The message itself may have a tag: that is a rejection,
//! which nobody sends to a context.
//!
//! Types are followed by their names through the crates of one folder below a shelf.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{
    Report, Tree,
    brackets::{closing, spans},
    source::{Source, is_word},
};

const SHELVES: &[&str] = &["mall/", "platform/", "examples/"];
const MESSAGE: &str = "#[message(";
const BUFFERED: &[&str] = &["flatten", "untagged", "tag"];
/// With it a type refuses by itself.
const REFUSES: &str = "deny_unknown_fields";

/// A struct or an enum.
struct Type<'a> {
    name: &'a str,
    path: &'a str,
    line: usize,
    /// The serde attributes in front of it.
    says: String,
    /// What is in it, attributes too.
    inside: &'a str,
    is_message: bool,
}

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let mut looked_at: BTreeMap<(&str, usize), &Type<'_>> = BTreeMap::new();
    let shelves: Vec<_> = SHELVES.iter().map(|shelf| folders(tree, shelf)).collect();
    for folders in &shelves {
        // What has no messages of its own is there for those that have.
        let shared = folders.values().filter(|types| !types.iter().any(|it| it.is_message)).flatten();
        for types in folders.values().filter(|types| types.iter().any(|it| it.is_message)) {
            types.iter().filter(|it| it.is_message).for_each(|_| report.saw_one());
            let all: Vec<&Type<'_>> = types.iter().chain(shared.clone()).collect();
            looked_at.extend(held(&all).into_iter().map(|it| ((it.path, it.line), it)));
        }
    }
    looked_at.values().for_each(|it| look(it, report));
}

/// The types below a shelf, by folder.
fn folders<'a>(tree: &'a Tree, shelf: &'a str) -> BTreeMap<String, Vec<Type<'a>>> {
    let mut folders: BTreeMap<String, Vec<Type<'_>>> = BTreeMap::new();
    for (path, source) in tree.sources_under(shelf) {
        if path.ends_with(".rs") && path.contains("/src/") {
            let folder: Vec<&str> = path.split('/').take(2).collect();
            folders.entry(folder.join("/")).or_default().extend(types(path, source));
        }
    }
    folders
}

/// What the messages among these hold, and what that holds.
fn held<'a>(all: &[&'a Type<'a>]) -> Vec<&'a Type<'a>> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&Type<'_>> = all.iter().copied().filter(|it| it.is_message).collect();
    let mut found = Vec::new();
    while let Some(holder) = next.pop() {
        for name in holder.inside.split(|c| !is_word(c)).filter(|word| word.starts_with(char::is_uppercase)) {
            if known.insert(name) {
                let named = all.iter().copied().filter(|it| it.name == name && !it.is_message);
                next.extend(named.clone());
                found.extend(named);
            }
        }
    }
    found
}

fn look(it: &Type<'_>, report: &mut Report) {
    let refuses = serde_says(&it.says, "tag") && serde_says(&it.says, REFUSES) && has_names(it.inside);
    for word in BUFFERED {
        let inside = it.inside.split("#[").skip(1).any(|attribute| serde_says(attribute, word));
        if inside || serde_says(&it.says, word) && !(refuses && *word == "tag") {
            report.found(
                it.path,
                it.line,
                format!("`{word}` in `{}`, which a message holds: it refuses nothing", it.name),
            );
        }
    }
}

/// Whether each variant of an enum has fields with names.
fn has_names(inside: &str) -> bool {
    let list = inside.get(1..).unwrap_or_default();
    let variants = spans(list).into_iter().map(|span| list[span].trim()).filter(|variant| !variant.is_empty());
    variants.into_iter().all(|variant| variant.ends_with('}'))
}

/// Whether attributes of serde have a word.
fn serde_says(attributes: &str, word: &str) -> bool {
    attributes.match_indices("serde(").any(|(at, head)| {
        let open = at + head.len() - 1;
        let end = closing(attributes, open).unwrap_or(attributes.len());
        attributes[open..end].split(|c| !is_word(c)).any(|found| found == word)
    })
}

/// Every struct and enum outside tests.
fn types<'a>(path: &'a str, source: &'a Source) -> Vec<Type<'a>> {
    let mut found = Vec::new();
    let bare = source.bare.as_str();
    for (at, word) in ["struct ", "enum "].iter().flat_map(|word| bare.match_indices(*word)) {
        let line = bare[..at].matches('\n').count() + 1;
        let is_alone = bare[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let rest = &bare[at + word.len()..];
        let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        let Some(open) = rest.find(['{', '(', ';']).filter(|_| is_alone && !source.is_test(line)) else { continue };
        let open = at + word.len() + open;
        let end = closing(bare, open).filter(|_| !bare[open..].starts_with(';')).unwrap_or(open);
        // From behind what is before: attributes belong to this one.
        let begin = bare[..at].rfind(['}', ';']).map_or(0, |end| end + 1);
        let says = bare[begin..at].to_owned();
        let is_message = says.contains(MESSAGE);
        found.push(Type { name, path, line, says, inside: &bare[open..end], is_message });
    }
    found
}
