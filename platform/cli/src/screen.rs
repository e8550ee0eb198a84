//! What is printed and how: tables, colours, times.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

/// Characters of a long text on a terminal.
const GLANCE: usize = 80;

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

/// Columns as wide as their widest cell; the last is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
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
}
