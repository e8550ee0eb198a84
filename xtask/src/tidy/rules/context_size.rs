//! What a small context may cost: hand-written files, and lines of Rust with its tests. Its pages, samples and contracts are
//! not counted.

use crate::tidy::{Report, Tree};

/// Folder, files and lines at most.
const SIZES: &[(&str, usize, usize)] = &[
    ("examples/note", 7, 300),
    ("mall/delivery", 14, 1_100),
    ("mall/payment", 14, 1_100),
    ("mall/audit", 16, 1_800),
    ("mall/mypage", 14, 1_100),
];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (folder, most_files, most_lines) in SIZES {
        report.saw_one();
        let prefix = format!("{folder}/");
        let written: Vec<&str> =
            tree.under(&prefix).map(|file| file.path.as_str()).filter(|it| is_written(it)).collect();
        if written.is_empty() {
            report.found(folder, 0, "is gone: take it from SIZES");
        }
        if written.len() > *most_files {
            report.found(folder, 0, format!("{} files, at most {most_files}", written.len()));
        }
        let rust = tree.sources_under(&prefix).filter(|(path, _)| path.ends_with(".rs") && is_written(path));
        let lines: usize = rust.map(|(_, source)| source.text.lines().count()).sum();
        if lines > *most_lines {
            report.found(folder, 0, format!("{lines} lines of Rust, at most {most_lines}"));
        }
    }
}

/// Whether somebody wrote it as a part of the context itself.
fn is_written(path: &str) -> bool {
    !["/web/", "/golden/", "/contracts/"].iter().any(|part| path.contains(part)) && !path.ends_with("golden.lock")
}
