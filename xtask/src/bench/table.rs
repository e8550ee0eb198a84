//! One table of all figures, with the machine they were measured on.

use std::{fmt, fs};

use anyhow::{Context, Result};

use crate::stage;

/// Where the last one is kept, between two lines.
const KEPT_IN: &str = "docs/benchmarks.md";
const BEGIN: &str = "<!-- what `make bench` printed last -->";
const END: &str = "<!-- end of what `make bench` printed -->";

/// What is measured, by whom, where.
pub(crate) struct Table {
    rows: Vec<String>,
    machine: String,
    build: String,
    load: String,
}

impl Table {
    /// Without rows, of this machine as it is now.
    pub(crate) fn begun() -> Self {
        Self { rows: Vec::new(), machine: machine(), build: build(), load: load() }
    }

    /// Takes a line that is a row.
    pub(crate) fn take(&mut self, line: &str) {
        if line.starts_with("| ") && line.ends_with(" |") {
            self.rows.push(format!("{line} {} |", self.build));
        }
    }

    /// Puts it in the place of the one that was kept.
    ///
    /// # Errors
    /// When there is no place for it, or it cannot be written.
    pub(crate) fn keep(&self) -> Result<()> {
        let path = stage::root().join(KEPT_IN);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {KEPT_IN}"))?;
        let text = self.put_into(&text).with_context(|| format!("{KEPT_IN} has no line {BEGIN} with one {END}"))?;
        fs::write(&path, text).with_context(|| format!("cannot write {KEPT_IN}"))
    }

    fn put_into(&self, text: &str) -> Option<String> {
        let (before, rest) = text.split_once(BEGIN)?;
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}\n{self}{END}{after}"))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | Gate | Measured | Beside, in the same run | Build |\n|---|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        writeln!(f, "\n{}\nLoad of the machine before: {}.", self.machine, self.load)
    }
}

/// Cores, memory and kernel, where the system says so (proc(5)).
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
        line.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = value(&read("/proc/cpuinfo"), "model name");
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores ({processor}), {memory}, Linux {}; callers and processes share them.", kernel.trim())
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The profile that built this program, and so all of them: the folder it lies in is called so, but for one.
fn build() -> String {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().and_then(|folder| folder.file_name()).map(|name| name.to_string_lossy().into_owned());
    match folder.as_deref() {
        Some("debug") | None => "dev".to_owned(),
        Some(other) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_from_what_is_printed_and_put_in_the_place_of_the_last_ones() {
        let mut table =
            Table { rows: Vec::new(), machine: "a machine.".into(), build: "dev".into(), load: "0.1".into() };
        for line in ["running 2 tests", "| a figure | ≤ 2 | 1 | a peer 1 |", "|no row|", "test a ... ok"] {
            table.take(line);
        }
        let kept = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let text = table.put_into(&kept).expect("there is a place");
        assert!(text.starts_with(&format!("before\n{BEGIN}\n| | Gate |")), "{text}");
        assert!(text.contains("|\n| a figure | ≤ 2 | 1 | a peer 1 | dev |\n"), "{text}");
        assert!(
            text.contains("a machine.") && !text.contains("old") && text.ends_with(&format!("{END}\nafter\n")),
            "{text}"
        );
        assert_eq!(table.put_into(&text).as_deref(), Some(&*text), "again it is the same");
        assert_eq!(table.put_into("no place"), None);
    }
}
