//! The rules, one file each. Every rule has a planted violation in `tidy/tests.rs`.

mod shop_words;
mod pure_domains;
mod shelves;
mod runtime_names;
mod root_entries;
mod headers;
pub(crate) mod ratchet;
mod unfinished;
mod manifests;
mod links;
mod snippets;
mod error_pages;
mod core_size;
mod outside;
mod stray_files;
mod sagas;
mod rooms;
mod crash_steps;
mod planted_bugs;
mod commands;
mod places;
mod golden;
mod tuple_lets;
mod unreached;
mod context_size;
mod glossary_types;
mod one_thing;
mod numbers;
mod wrong_code;
mod typed_errors;
mod hidden;
mod buffered;

use super::{Report, Tree};

/// A rule looks at the tree and reports what it saw and found.
pub(crate) type Rule = fn(&Tree, &mut Report);

/// Every rule by its name.
pub(crate) const ALL: &[(&str, Rule)] = &[
    ("shop-words", shop_words::check),
    ("pure-domains", pure_domains::check),
    ("shelves", shelves::check),
    ("runtime-names", runtime_names::check),
    ("root-entries", root_entries::check),
    ("headers", headers::check),
    ("ratchet", ratchet::check),
    ("unfinished", unfinished::check),
    ("manifests", manifests::check),
    ("links", links::check),
    ("snippets", snippets::check),
    ("error-pages", error_pages::check),
    ("core-size", core_size::check),
    ("outside", outside::check),
    ("stray-files", stray_files::check),
    ("sagas", sagas::check),
    ("rooms", rooms::check),
    ("crash-steps", crash_steps::check),
    ("planted-bugs", planted_bugs::check),
    ("commands", commands::check),
    ("places", places::check),
    ("golden", golden::check),
    ("tuple-lets", tuple_lets::check),
    ("unreached", unreached::check),
    ("context-size", context_size::check),
    ("glossary-types", glossary_types::check),
    ("one-thing", one_thing::check),
    ("numbers", numbers::check),
    ("wrong-code", wrong_code::check),
    ("typed-errors", typed_errors::check),
    ("hidden", hidden::check),
    ("buffered", buffered::check),
];
