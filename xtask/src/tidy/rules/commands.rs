//! The page of the platform lists every command of `bongsu` that is not hidden.

use crate::tidy::{
    Report, Tree,
    listed::{Places, compare, first_cells},
    source::is_word,
};

const PAGE: &str = "platform/README.md";
const ARGS: &str = "platform/cli/src/args.rs";

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    let cells = first_cells(tree.text(PAGE).unwrap_or_default(), "Command");
    let words = cells.iter().filter_map(|cell| cell.strip_prefix("bongsu ")?.split(' ').next());
    // `bongsu start\|stop NAME` are two.
    let listed = words.flat_map(|word| word.split("\\|")).map(str::to_owned).collect();
    compare(report, "command", PAGE, &listed, &commands(tree));
}

/// The variants of `enum Command`, as clap spells them, and of those that are flattened into it.
fn commands(tree: &Tree) -> Places {
    let mut found = Places::new();
    for (path, source) in tree.sources_under(ARGS) {
        let mut enums = vec!["Command".to_owned()];
        while let Some(name) = enums.pop() {
            let head = format!("enum {name} {{");
            let inside = source.code_lines().skip_while(|(_, code)| !code.contains(&head)).skip(1);
            let mut attribute = "";
            for (line, code) in inside.take_while(|(_, code)| !code.starts_with('}')) {
                let mut words = code.trim().split(|c| !is_word(c));
                match words.next().filter(|name| !name.is_empty()) {
                    Some(_) if attribute.contains("flatten") => enums.extend(words.next().map(str::to_owned)),
                    Some(name) if !attribute.contains("hide = true") => {
                        found.insert(spelt(name), (path.to_owned(), line));
                    }
                    _ => {}
                }
                attribute = code;
            }
        }
    }
    found
}

/// `DropOld` is typed `drop-old`.
fn spelt(name: &str) -> String {
    let parts = name.char_indices().map(|(at, c)| {
        let dash = if at > 0 && c.is_ascii_uppercase() { "-" } else { "" };
        format!("{dash}{}", c.to_ascii_lowercase())
    });
    parts.collect()
}
