//! What git ever had of the files that only grow: one look at the history, which no hand at the files alters.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

/// The files, wherever they are.
const LOCKS: &str = ":(glob)**/golden.lock";

/// Path and line of everything that was ever written into a lock and stayed for a commit; `None` where there is no repository.
///
/// # Errors
/// When there is a repository and git does not show its history.
pub(crate) fn locked(root: &Path) -> Result<Option<Vec<(String, String)>>> {
    if !root.join(".git").exists() {
        return Ok(None);
    }
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["-c", "core.quotePath=false", "log", "--patch", "--format=", "--unified=0"]);
    git.args(["--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--", LOCKS]);
    let shown = git.output().context("cannot ask git what golden.lock once had")?;
    if !shown.status.success() {
        bail!("git does not show what golden.lock once had: {}", String::from_utf8_lossy(&shown.stderr).trim());
    }
    Ok(Some(added(&String::from_utf8_lossy(&shown.stdout))))
}

/// The lines that patches add, but for comments, each with its file.
fn added(patches: &str) -> Vec<(String, String)> {
    let mut path = "";
    let mut lines = Vec::new();
    for line in patches.lines() {
        if let Some(file) = line.strip_prefix("+++ b/") {
            path = file;
        } else if let Some(line) =
            line.strip_prefix('+').filter(|line| !line.starts_with(['#', '+']) && !line.is_empty())
        {
            lines.push((path.to_owned(), line.to_owned()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_again_was_there_once() {
        let patches = "diff --git a/x/golden.lock b/x/golden.lock\n--- a/x/golden.lock\n+++ /dev/null\n@@ -1 +0,0 @@\n-1 golden/a.json\n\
                       diff --git a/x/golden.lock b/x/golden.lock\n--- /dev/null\n+++ b/x/golden.lock\n@@ -0,0 +1,2 @@\n+# said\n+1 golden/a.json\n";
        assert_eq!(added(patches), [("x/golden.lock".to_owned(), "1 golden/a.json".to_owned())]);
    }

    #[test]
    fn where_there_is_no_repository_nothing_is_known_and_where_it_is_broken_that_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(locked(folder.path()).expect("it is looked"), None);
        std::fs::write(folder.path().join(".git"), "gitdir: nowhere\n").expect("a file");
        assert!(locked(folder.path()).is_err());
    }
}
