//! `tidy`: the house rules that a machine can check, as pure functions over the repository's text.
//!
//! A rule looks at a [`Tree`] in memory, so that a test can plant a violation without touching the disk.
//! A rule that found nothing to look at fails: a moved folder must not turn it into a green light.

mod source;
mod brackets;
mod once;
mod tree;
mod manifest;
mod imports;
mod listed;
mod rules;

use std::path::Path;

use anyhow::{Result, bail};

use crate::stage;
pub(crate) use tree::Tree;

/// Checks the house rules.
#[derive(clap::Args)]
pub(crate) struct Tidy {
    /// Write the sizes found into the ratchet where they became smaller.
    #[arg(long)]
    lower: bool,
}

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) path: String,
    /// From 1; 0 when the whole file (or its absence) is meant.
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// What a rule saw and found.
pub(crate) struct Report {
    rule: &'static str,
    seen: usize,
    findings: Vec<Finding>,
}

/// What all rules found.
pub(crate) struct Outcome {
    pub(crate) rules: usize,
    pub(crate) files: usize,
    pub(crate) findings: Vec<Finding>,
}

impl Tidy {
    /// Prints what is not tidy and fails if anything is.
    pub(crate) fn run(self) -> Result<()> {
        if self.lower {
            rules::ratchet::lower(stage::root())?;
        }
        stage()
    }
}

impl Report {
    pub(crate) fn new(rule: &'static str) -> Self {
        Self { rule, seen: 0, findings: Vec::new() }
    }

    /// Counts one thing the rule looked at.
    pub(crate) fn saw_one(&mut self) {
        self.seen += 1;
    }

    /// Notes a violation.
    pub(crate) fn found(&mut self, path: &str, line: usize, what: impl Into<String>) {
        self.findings.push(Finding { rule: self.rule, path: path.into(), line, what: what.into() });
    }

    fn finish(mut self) -> Vec<Finding> {
        if self.seen == 0 {
            self.found("", 0, "this rule found nothing to look at: did a folder move?");
        }
        self.findings.sort();
        self.findings
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {} [{}]", self.path, self.what, self.rule),
            line => write!(f, "{}:{line}: {} [{}]", self.path, self.what, self.rule),
        }
    }
}

/// Checks the repository as one stage of a command.
pub(crate) fn stage() -> Result<()> {
    stage::announce("tidy");
    let outcome = check(stage::root())?;
    outcome.findings.iter().for_each(|finding| println!("{finding}"));
    let Outcome { rules, files, findings } = &outcome;
    println!("tidy: {rules} rules over {files} files, {} findings", findings.len());
    if findings.is_empty() { Ok(()) } else { bail!("the house is not tidy") }
}

/// Checks every rule over the repository at `root`.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn check(root: &Path) -> Result<Outcome> {
    let tree = Tree::load(root)?;
    Ok(Outcome { rules: rules::ALL.len(), files: tree.len(), findings: check_tree(&tree) })
}

/// Checks every rule over a tree in memory.
pub(crate) fn check_tree(tree: &Tree) -> Vec<Finding> {
    let reports = rules::ALL.iter().map(|(name, rule)| {
        let mut report = Report::new(name);
        rule(tree, &mut report);
        report
    });
    reports.flat_map(Report::finish).collect()
}

#[cfg(test)]
mod tests;
