//! The framework and the platform have never heard of a shop, in code, comments or examples.

use crate::tidy::{Report, Tree, source::numbered};

/// Shelves that serve any system.
const NEUTRAL: &[&str] = &["framework/", "platform/"];

/// Words of the shop, as they stand in prose and inside identifiers; a plural counts too. Words that good
/// English about messages needs (order, price, shop as a verb) are not here, but see [`PHRASES`].
const WORDS: &[&str] = &[
    "12street",
    "barista",
    "basket",
    "cart",
    "checkout",
    "coffee",
    "courier",
    "customer",
    "delivery",
    "invoice",
    "mall",
    "merchant",
    "payment",
    "product",
    "refund",
    "shopping",
    "shopkeeper",
    "sku",
    "stock",
    "storefront",
];

/// What "order" looks like when it is the thing in the shop and not a sequence; from the start of a word.
const PHRASES: &[&str] = &[
    "/orders",
    "order/",
    "orders/",
    "ord_",
    "order_id",
    "orderid",
    "orderplaced",
    "order-placed",
    "order-confirmed",
    "order-rejected",
    "order-cancelled",
    "order-completed",
    "place_order",
    "placeorder",
    "cancel_order",
    "cancelorder",
    "ordering-domain",
    "ordering_domain",
    "\"ordering",
];

/// A shop word that is meant: where, which, and why.
struct Exception {
    under: &'static str,
    word: &'static str,
    #[expect(dead_code, reason = "read by whoever adds the next one")]
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[Exception {
    under: "platform/cli/",
    word: "mall",
    why: "`bongsu up` without arguments finds the repository's own system, mall/bongsu.toml",
}];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for (path, source) in NEUTRAL.iter().flat_map(|shelf| tree.sources_under(shelf)) {
        report.saw_one();
        if !may_hold(&source.text) {
            continue;
        }
        for (line, text) in numbered(&source.text) {
            for word in shop_words(text).into_iter().filter(|word| !excepted(path, word)) {
                report.found(path, line, format!("`{word}` is a word of the shop; the framework serves any system"));
            }
        }
    }
}

/// Whether it is worth looking at the lines of a text: most hold not even the letters.
fn may_hold(text: &str) -> bool {
    let lower = text.to_lowercase();
    WORDS.iter().map(|word| stem(word)).chain(PHRASES.iter().copied()).any(|letters| lower.contains(letters))
}

fn excepted(path: &str, word: &str) -> bool {
    EXCEPTIONS.iter().any(|exception| path.starts_with(exception.under) && exception.word == word)
}

fn shop_words(line: &str) -> Vec<&'static str> {
    let lower = line.to_lowercase();
    let words = split(line);
    let spoken = WORDS.iter().filter(|word| words.iter().any(|found| is_form_of(found, word)));
    let phrased = PHRASES.iter().filter(|phrase| starts_a_word(&lower, phrase));
    spoken.chain(phrased).copied().collect()
}

/// The words of a line in lower case; `camelCase` and `snake_case` are several.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        let starts = !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase();
        if starts && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("begins with one word and only grows").extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

fn is_form_of(found: &str, word: &str) -> bool {
    let ending = found.strip_prefix(stem(word)).unwrap_or_default();
    found == word || ending == if word.ends_with('y') { "ies" } else { "s" }
}

/// What singular and plural have in common.
fn stem(word: &str) -> &str {
    word.strip_suffix('y').unwrap_or(word)
}

fn starts_a_word(line: &str, phrase: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(phrase).any(|(at, _)| {
        !phrase.starts_with(inside) || line[..at].chars().next_back().is_none_or(|before| !inside(before))
    })
}

#[cfg(test)]
mod tests {
    use super::shop_words;

    #[test]
    fn words_of_the_shop_are_heard_in_prose_and_in_names() {
        let heard = [
            "adds to the cart",
            "struct ShoppingCart;",
            "let skus = 1;",
            "two Deliveries",
            "stock_reserved",
            "GET /orders?x",
            "\"order/ord_1\"",
            "struct OrderPlaced",
            "let order_id = 1",
            "ordering_domain::x",
            "of 12street",
        ];
        assert!(heard.iter().all(|line| !shop_words(line).is_empty()), "{:?}", heard.map(shop_words));
    }

    #[test]
    fn good_english_about_messages_passes() {
        let passes = [
            "in order, and in offset order",
            "use std::cmp::Ordering;",
            "PartialOrd, Ord",
            "ORDER BY pos",
            "any reordering",
            "the ordering of facts",
            "order_by_key(x)",
            "record_id",
            "in production",
            "the producer",
            "a small change",
            "orders of magnitude",
            "Orders the facts",
            "stockade",
            "restocked",
            "word_count",
            "--order ORD",
        ];
        assert_eq!(passes.map(shop_words), passes.map(|_| Vec::<&str>::new()));
    }
}
