//! What git has of a folder: the last commit, which no hand at the files here alters.

use std::{
    path::Path,
    process::{Command, Output},
};

/// A file of a folder as the last commit has it; `None` where there is no repository, no commit or no such file.
///
/// # Panics
/// When there is a repository and git cannot be asked: nothing is taken for new because nobody looked.
#[track_caller]
pub(super) fn committed(folder: &Path, path: &str) -> Option<Vec<u8>> {
    if !folder.ancestors().any(|above| above.join(".git").exists()) {
        return None;
    }
    let there = git(folder, &["rev-parse", "--is-inside-work-tree"]);
    assert!(there.status.success(), "git does not tell what {} has: {}", folder.display(), said(&there));
    if !git(folder, &["rev-parse", "--verify", "--quiet", "HEAD"]).status.success() {
        return None;
    }
    let listed = git(folder, &["ls-tree", "--name-only", "HEAD", "--", path]);
    assert!(listed.status.success(), "git does not tell whether it has {path}: {}", said(&listed));
    if listed.stdout.is_empty() {
        return None;
    }
    let file = git(folder, &["show", &format!("HEAD:./{path}")]);
    assert!(file.status.success(), "git does not show {path}: {}", said(&file));
    Some(file.stdout)
}

/// One question to git about the repository that a folder is in, whatever a hook of another one has set.
#[track_caller]
fn git(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command.output().unwrap_or_else(|error| panic!("git knows what was written once and does not run: {error}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
