//! Every process of a context that comes to an end goes every way of the saga harness in a test of its own crate. Why that is
//! no standing test: decision 0033.
//!
//! This reads text. It sees that a file which names the process ends one, and that a statement of a test begins with
//! `saga(&Name` and goes every way. It does not see what that statement tries, whether anything is asserted of its answer,
//! an end that is written otherwise (`use Effect::Done`), nor whether a process that is said never to end should.

use crate::tidy::{Report, Tree, source::Source};

/// Where processes that are more than samples live.
const SHELVES: &[&str] = &["mall/", "platform/", "examples/"];

/// How a saga ends. What never ends by design only watches.
const ENDS: &[&str] = &["Effect::Done", "Effect::Unwind"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in SHELVES.iter().flat_map(|shelf| tree.sources_under(shelf)) {
        let Some((dir, _)) = path.split_once("/src/").filter(|_| path.ends_with(".rs")) else { continue };
        for (line, process) in processes(source) {
            if !ends(tree, (dir, path), process) {
                continue;
            }
            report.saw_one();
            let (call, tests) = (format!("saga(&{process}"), format!("{dir}/tests/"));
            let tried = |source: &Source| source.code.split(&call).skip(1).any(goes_every_way);
            if !tree.sources_under(&tests).any(|(_, source)| tried(source)) {
                report.found(
                    path,
                    line,
                    format!("no test under {tests} has `{call}…).goes_every_way()`: it is never failed at every step"),
                );
            }
        }
    }
}

/// Whether the file of a process, or another one of its crate that names it, ends a process.
fn ends(tree: &Tree, (dir, path): (&str, &str), process: &str) -> bool {
    let crate_of_it = format!("{dir}/src/");
    let mut of_it = tree
        .sources_under(&crate_of_it)
        .filter(|(other, source)| *other == path || source.code.split(process).skip(1).any(ends_there));
    of_it.any(|(_, source)| ENDS.iter().any(|end| source.code.contains(end)))
}

/// The processes a file implements, with their lines.
fn processes(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source.bare_lines().filter_map(|(line, code)| {
        let (head, rest) = code.split_once("Process for ")?;
        let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        head.trim_start().starts_with("impl").then_some((line, name))
    })
}

/// Whether a name ends here: `saga(&Courier` is not `saga(&CourierService`.
fn ends_there(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Whether what follows the name belongs to a statement that goes every way.
fn goes_every_way(rest: &str) -> bool {
    let statement = rest.split(';').next().unwrap_or_default();
    ends_there(rest) && statement.contains(".goes_every_way(")
}
