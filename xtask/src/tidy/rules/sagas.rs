//! Every process of the mall and the examples that comes to an end goes every way of the saga harness in a test of its own crate.

use crate::tidy::{Report, Tree, source::Source};

/// Where processes that are more than samples live.
const SHELVES: &[&str] = &["mall/", "examples/"];

/// How a saga ends. What never ends by design only watches.
const ENDS: &[&str] = &["Effect::Done", "Effect::Unwind"];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in SHELVES.iter().flat_map(|shelf| tree.sources_under(shelf)) {
        let Some((dir, _)) = path.split_once("/src/").filter(|_| path.ends_with(".rs")) else { continue };
        if !ENDS.iter().any(|end| source.code.contains(end)) {
            continue;
        }
        for (line, process) in processes(source) {
            report.saw_one();
            let (call, tests) = (format!("saga(&{process}"), format!("{dir}/tests/"));
            let tried = |source: &Source| source.code.split(&call).skip(1).any(ends_there);
            if !tree.sources_under(&tests).any(|(_, source)| tried(source)) {
                report.found(
                    path,
                    line,
                    format!("no test under {tests} has `{call}…)`: it is never failed at every step"),
                );
            }
        }
    }
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
