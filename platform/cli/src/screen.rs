//! What is printed and how: tables, colours, times.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

pub(crate) use supervisor::paths::plain;

/// Characters of a long text on a terminal.
const GLANCE: usize = 80;
/// Characters up to which a cell makes its column wider: a longer one stands out alone.
const WIDEST: usize = 200;

/// Why the first line that could not be printed could not.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Prints a line; false when nobody reads any more (`bongsu logs | head`), which ends a command quietly, or when it cannot
/// be written, which [`printed`] says at the end.
pub(crate) fn print(line: &str) -> bool {
    print_to(&mut io::stdout(), line)
}

fn print_to(out: &mut impl Write, line: &str) -> bool {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                // The first one says why; those that follow say the same.
                let _ = FAILED.set(error);
            }
            false
        }
    }
}

/// Prints a line on which something hangs: where it cannot be written, the error says what was done all the same.
///
/// # Errors
/// `done`, and why the line is missing. Nobody who reads any more is no mistake.
pub(crate) fn say(line: &str, done: &str) -> anyhow::Result<()> {
    let mut out = io::stdout();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::anyhow!("{done}; cannot write to stdout: {error}"))
        }
        _ => Ok(()),
    }
}

/// Whether everything that was to be printed was: a command that says less than it should has failed.
///
/// # Errors
/// What the first line that is missing met.
pub(crate) fn printed() -> anyhow::Result<()> {
    match FAILED.get() {
        None => Ok(()),
        Some(error) => Err(anyhow::anyhow!("cannot write to stdout: {error}")),
    }
}

/// Whether colours are wanted.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// On a terminal no more of a long text than can be taken in at a glance; elsewhere all of it.
pub(crate) fn glance(text: &str) -> String {
    match text.char_indices().nth(GLANCE) {
        Some((end, _)) if is_terminal() => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

/// Columns as wide as their widest cell of a usual length; the last is not padded. What could steer a terminal or break a
/// line is escaped: names come from whoever publishes.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let usual = |length: &usize| *length <= WIDEST;
    let lengths = |column: usize| rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.chars().count());
    let widths: Vec<usize> = (0..columns).map(|column| lengths(column).filter(usual).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The text in a colour that stays the same for the same name.
pub(crate) fn coloured(name: &str, text: &str) -> String {
    let sum = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    // 31..=36: red to cyan, readable on dark and on light.
    format!("\x1b[{}m{text}\x1b[0m", 31 + sum % 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = vec![vec!["NAME".into(), "STATE".into()], vec!["door-bell".into(), "up".into()]];
        assert_eq!(table(&rows), ["NAME       STATE", "door-bell  up"]);
    }

    #[test]
    fn a_name_of_any_length_and_kind_is_one_line() {
        let long = "q".repeat(100_000);
        let rows =
            [[long.as_str(), "up"], ["esc\x1b[31m\nrow\u{202e}", "up"]].map(|row| row.map(str::to_owned).to_vec());
        let lines = table(&rows);
        assert_eq!(lines, [format!("{long}  up"), "esc\\u{1b}[31m\\nrow\\u{202e}  up".to_owned()]);
    }
}
