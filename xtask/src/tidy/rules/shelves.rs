//! Dependencies between crates point up the shelves, and contexts do not depend on each other.

use crate::tidy::{Report, Tree, manifest::crates};

/// Which folders a folder's crates may depend on. `labs/` and `tests/` may see everything; nothing sees them.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("framework", &["framework"]),
    ("platform", &["framework", "platform"]),
    ("mall", &["framework", "mall"]),
    ("examples", &["framework"]),
    ("xtask", &[]),
];

/// Folders that may see every shelf, because judging them is their purpose.
const SEE_ALL: &[&str] = &["tests", "labs", "benches"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let all = crates(tree, report);
    for from in &all {
        report.saw_one();
        for (_, name, _) in from.dependencies() {
            let Some(to) = all.iter().find(|other| other.name == name) else { continue };
            if let Some(why) = refusal(&from.dir, &to.dir) {
                report.found(&from.path, 0, format!("must not depend on `{name}`: {why}"));
            }
        }
    }
}

fn refusal(from: &str, to: &str) -> Option<String> {
    let (shelf, seen) = (first(from), first(to));
    if seen == "labs" && shelf != "labs" {
        return Some("nothing depends on a lab".into());
    }
    if SEE_ALL.contains(&shelf) {
        return None;
    }
    let allowed = MAY_SEE.iter().find(|(name, _)| *name == shelf).map_or(&[][..], |(_, allowed)| allowed);
    if !allowed.contains(&seen) {
        return Some(format!("{shelf}/ may see {allowed:?} only"));
    }
    match (context(from), context(to)) {
        (Some(mine), Some(other)) if mine != other => Some("contexts meet in facts, not in crates".into()),
        _ => None,
    }
}

fn first(dir: &str) -> &str {
    dir.split('/').next().unwrap_or(dir)
}

/// What is no context, but may be used by every one.
const SHARED: &[&str] = &["money", "sandbox", "search"];

/// The context a crate belongs to: `ordering` of `mall/ordering/domain`, `payment` of `mall/payment`.
fn context(dir: &str) -> Option<&str> {
    let context = dir.strip_prefix("mall/")?.split('/').next()?;
    (!SHARED.contains(&context)).then_some(context)
}
