//! What a small context may cost: hand-written files, and lines of Rust with its tests. Its pages, samples and contracts are
//! not counted. Of what `bongsu new` writes every line counts, its manifest and README too.

use super::places;
use crate::tidy::{Report, Tree};

/// Files and lines at most of a context that is one crate.
const USUAL: (usize, usize) = (14, 1_100);
/// What `bongsu new` writes.
const SCAFFOLD: &str = "examples/note";
/// Folder, files and lines at most, where that is not the usual.
const OTHERS: &[(&str, usize, usize)] = &[(SCAFFOLD, 7, 300), ("mall/audit", 16, 1_800)];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let of_one_crate = places::contexts(tree).into_iter().map(|name| format!("mall/{name}"));
    let of_one_crate = of_one_crate.filter(|folder| !tree.exists(&format!("{folder}/domain/Cargo.toml")));
    let usual = of_one_crate.filter(|folder| !OTHERS.iter().any(|(other, ..)| other == folder));
    let usual = usual.map(|folder| (folder, USUAL.0, USUAL.1));
    let others = OTHERS.iter().map(|(folder, files, lines)| ((*folder).to_owned(), *files, *lines));
    for (folder, most_files, most_lines) in usual.chain(others) {
        let folder = folder.as_str();
        report.saw_one();
        let prefix = format!("{folder}/");
        let written: Vec<&str> =
            tree.under(&prefix).map(|file| file.path.as_str()).filter(|it| is_written(it)).collect();
        if written.is_empty() {
            report.found(folder, 0, "is gone: take it from OTHERS");
        }
        if written.len() > most_files {
            report.found(folder, 0, format!("{} files, at most {most_files}", written.len()));
        }
        let is_counted = |path: &str| is_written(path) && (path.ends_with(".rs") || folder == SCAFFOLD);
        let counted = tree.sources_under(&prefix).filter(|(path, _)| is_counted(path));
        let lines: usize = counted.map(|(_, source)| source.text.lines().count()).sum();
        if lines > most_lines {
            report.found(folder, 0, format!("{lines} lines, at most {most_lines}"));
        }
    }
}

/// Whether somebody wrote it as a part of the context itself.
fn is_written(path: &str) -> bool {
    !["/web/", "/golden/", "/contracts/"].iter().any(|part| path.contains(part)) && !path.ends_with("golden.lock")
}
