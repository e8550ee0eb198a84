//! A context's name in every spelling it needs.

use anyhow::{Result, bail};
use supervisor::system_file::is_reserved;

/// Longer names make wire names nobody reads.
const LONGEST: usize = 32;

/// Rust's own words.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// What a context's own code or the standard library calls something else, as a word or as the type of that name.
const TAKEN: &[&str] = &[
    "aggregate",
    "alloc",
    "allow",
    "answer",
    "api",
    "axum",
    "bench",
    "bongsu",
    "box",
    "c",
    "call",
    "clone",
    "command",
    "core",
    "ctx",
    "debug",
    "decider",
    "default",
    "deserialize",
    "e",
    "err",
    "event",
    "exit-code",
    "from",
    "given",
    "handle",
    "house",
    "idempotency-key",
    "into",
    "iterator",
    "key",
    "lib",
    "list",
    "main",
    "message",
    "messages",
    "metadata",
    "no-setting",
    "no-settings",
    "none",
    "ok",
    "option",
    "outcome",
    "page",
    "principal",
    "problem",
    "proc-macro",
    "projection",
    "public",
    "range",
    "reply",
    "response",
    "result",
    "router",
    "row",
    "serde",
    "serde-json",
    "serialize",
    "service",
    "setting",
    "settings",
    "some",
    "standing",
    "state",
    "status-code",
    "std",
    "step",
    "string",
    "target",
    "test",
    "to-schema",
    "tokio",
    "told",
    "utoipa",
    "value",
    "vec",
    "write",
    "written",
];

/// What the folder of a context holds, one of it or several.
const HELD: &[&str] = &["contract", "domain", "golden", "readme", "sample", "source", "src", "web"];

/// What cargo keeps for its folders, and what is no file on some machines.
const FOLDERS: &[&str] = &["aux", "build", "con", "deps", "examples", "incremental", "nul", "prn"];

/// Names of one thing that end as names of several do.
const ONE: &[&str] = &["alias", "atlas", "bias", "canvas", "gas", "lens", "news"];

/// A name of words of small letters and digits with a `-` between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Takes a name that can be a folder, a crate, a type and a part of an address.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if text.len() > LONGEST || !text.split('-').all(is_word) {
            let text = text.escape_debug();
            bail!(
                "'{text}' is no name: words of small letters and digits with a - between, at most {LONGEST}, as in gift-card"
            );
        }
        if KEYWORDS.contains(&text) {
            bail!("'{text}' is a keyword of Rust");
        }
        if is_reserved(text) {
            bail!("'{text}' is a name of the platform's own");
        }
        if FOLDERS.contains(&text) {
            bail!("'{text}' is a name that cargo or some machines keep for themselves");
        }
        let name = Self(text.to_owned());
        if [text, &name.one()].iter().any(|word| HELD.contains(word)) {
            bail!("'{text}' is the name of something that the folder of a context holds");
        }
        if [text, &name.one()].iter().any(|word| TAKEN.contains(word)) || text.starts_with("bongsu-") {
            bail!("'{text}' is the name of something that every context uses");
        }
        Ok(name)
    }

    /// `gift-card`.
    pub(crate) fn kebab(&self) -> &str {
        &self.0
    }

    /// `gift_card`.
    pub(crate) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `gift-card`, also of a context that is called `gift-cards`: what there is one of.
    pub(crate) fn one(&self) -> String {
        let name = &self.0;
        if !self.is_plural() {
            return name.clone();
        }
        let stem = |end: &str| name.strip_suffix(end);
        let sibilant = |stem: &&str| ["ss", "x", "ch", "sh"].iter().any(|end| stem.ends_with(end));
        let one = stem("ies").map(|stem| format!("{stem}y"));
        let one = one.or_else(|| stem("es").filter(sibilant).map(str::to_owned));
        one.unwrap_or_else(|| name[..name.len() - 1].to_owned())
    }

    /// `gift-cards`, also of a context that is called so.
    pub(crate) fn plural(&self) -> String {
        let name = &self.0;
        if self.is_plural() {
            return name.clone();
        }
        let before = name.chars().rev().nth(1).unwrap_or_default();
        match name.strip_suffix('y') {
            Some(stem) if !"aeiou".contains(before) => format!("{stem}ies"),
            _ if ["s", "x", "ch", "sh"].iter().any(|end| name.ends_with(end)) => format!("{name}es"),
            _ => format!("{name}s"),
        }
    }

    /// Whether it names several: it ends so, and not as `address`, `bus` and `basis` do.
    fn is_plural(&self) -> bool {
        let last = self.0.rsplit('-').next().unwrap_or_default();
        let ends_as_one = ["ss", "us", "is"].iter().any(|end| last.ends_with(end)) || ONE.contains(&last);
        last.len() > 2 && last.ends_with('s') && !ends_as_one
    }
}

/// `GiftCard` of `gift-card`.
pub(crate) fn camel(kebab: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    kebab.split('-').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_spelling_for_every_place() {
        for (name, snake, plural, camels) in [
            ("review", "review", "reviews", "Reviews"),
            ("gift-card", "gift_card", "gift-cards", "GiftCards"),
            ("body", "body", "bodies", "Bodies"),
            ("relay", "relay", "relays", "Relays"),
            ("dish", "dish", "dishes", "Dishes"),
        ] {
            let name = Name::parse(name).unwrap();
            assert_eq!(
                (name.snake().as_str(), name.plural().as_str(), camel(&name.plural()).as_str()),
                (snake, plural, camels)
            );
        }
    }

    #[test]
    fn a_name_of_several_is_its_own_plural() {
        for (name, one, plural) in [
            ("gift-cards", "gift-card", "gift-cards"),
            ("categories", "category", "categories"),
            ("dishes", "dish", "dishes"),
            ("classes", "class", "classes"),
            ("purchases", "purchase", "purchases"),
            ("address", "address", "addresses"),
            ("bus", "bus", "buses"),
            ("basis", "basis", "basises"),
            ("news", "news", "newses"),
            ("gift-card", "gift-card", "gift-cards"),
        ] {
            let name = Name::parse(name).unwrap();
            assert_eq!((name.one().as_str(), name.plural().as_str()), (one, plural));
        }
        for taken in ["settings", "boxes", "rows", "results"] {
            let why = Name::parse(taken).unwrap_err().to_string();
            assert!(why.contains("every context uses"), "{taken}: {why}");
        }
    }

    #[test]
    fn the_platform_keeps_its_names() {
        for name in ["supervisor", "broker", "gateway", "operator", "identity"] {
            let why = Name::parse(name).unwrap_err().to_string();
            assert!(why.contains("the platform's own"), "{name}: {why}");
        }
    }

    #[test]
    fn what_a_context_holds_or_calls_something_else_is_no_name() {
        for name in ["contract", "contracts", "golden", "web", "samples", "src", "domain"] {
            let why = Name::parse(name).unwrap_err().to_string();
            assert!(why.contains("the folder of a context holds"), "{name}: {why}");
        }
        // Short words that name one thing each in the whole repository.
        for name in ["answer", "answers", "house", "step", "steps", "told", "tests", "test"] {
            let why = Name::parse(name).unwrap_err().to_string();
            assert!(why.contains("every context uses"), "{name}: {why}");
        }
        assert!(Name::parse("footstep").is_ok() && Name::parse("web-page").is_ok());
    }

    #[test]
    fn a_name_of_two_lines_is_refused_in_one() {
        let why = Name::parse("a\nb").unwrap_err().to_string();
        assert!(why.contains("a\\nb") && !why.contains('\n'), "{why}");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_in_one_line() {
        let long = "a".repeat(33);
        for bad in
            ["", "-", "a-", "-a", "A", "a b", "한글", "1a", "a_b", "a/b", "type", "self", "serde", "deps", "e", &long]
        {
            let why = Name::parse(bad).unwrap_err().to_string();
            assert!(why.contains(bad) && !why.contains('\n'), "{bad}: {why}");
        }
    }
}
