//! The root is short: a newcomer reads it in one look.

use std::collections::BTreeSet;

use crate::tidy::{Report, Tree};

/// Entries at the root, dotfiles aside.
const AT_MOST: usize = 18;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let entries: BTreeSet<&str> = tree.files().filter_map(|file| file.path.split('/').next()).collect();
    let shown: Vec<&str> = entries.into_iter().filter(|entry| !entry.starts_with('.')).collect();
    shown.iter().for_each(|_| report.saw_one());
    if shown.len() > AT_MOST {
        report.found("", 0, format!("{} entries at the root, at most {AT_MOST}: {}", shown.len(), shown.join(" ")));
    }
}
