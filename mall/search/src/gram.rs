//! What a text consists of: every letter, and every two that stand together, each with its place.
//!
//! Korean has no word ends that could be relied on (손목시계, 손목 시계, 시계를), so words are not told apart by a dictionary: a
//! text is found by any run of letters in it. Bigrams in a row are that run; single letters are kept for words of one.

use unicode_normalization::UnicodeNormalization as _;

/// One or two letters and the place of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gram {
    pub(crate) text: String,
    pub(crate) at: usize,
}

/// The letters and digits of a text, composed (NFC) and in lower case, by place. What is between two words is a place without a
/// letter, so that no run goes over it; a blank between two Korean syllables is nothing, since people leave it out at will.
pub(crate) fn letters(text: &str) -> Vec<(usize, char)> {
    let mut letters = Vec::<(usize, char)>::new();
    let mut at = 0;
    let mut between = String::new();
    for letter in text.nfc().flat_map(char::to_lowercase).nfc() {
        if !letter.is_alphanumeric() {
            between.push(letter);
            continue;
        }
        let is_apart = letters.last().is_some_and(|(_, last)| parts(*last, &between, letter));
        at += usize::from(is_apart);
        letters.push((at, letter));
        at += 1;
        between.clear();
    }
    letters
}

/// Every letter and every two neighbours, by place.
pub(crate) fn grams(text: &str) -> Vec<Gram> {
    let letters = letters(text);
    let pairs = letters.windows(2).map(Some).chain([None]);
    letters
        .iter()
        .zip(pairs)
        .flat_map(|((at, letter), pair)| {
            let both = pair.filter(|pair| pair[1].0 == at + 1).map(|pair| [pair[0].1, pair[1].1].iter().collect());
            [Some(letter.to_string()), both].into_iter().flatten().map(|text| Gram { text, at: *at })
        })
        .collect()
}

fn parts(last: char, between: &str, next: char) -> bool {
    if is_syllable(last) && is_syllable(next) {
        return !between.chars().all(char::is_whitespace);
    }
    !between.is_empty()
}

/// Hangul syllables of Unicode, 가 to 힣.
fn is_syllable(letter: char) -> bool {
    ('\u{AC00}'..='\u{D7A3}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let grams = grams(text).into_iter().map(|gram| format!("{}{}", gram.text, gram.at));
        grams.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_letter_and_every_pair_has_its_place() {
        assert_eq!(written("시계"), "시0 시계0 계1");
        assert_eq!(written("TV 55"), "t0 tv0 v1 53 553 54");
        assert_eq!(written("손목 시계"), written("손목시계"));
        assert_ne!(written("손목-시계"), written("손목시계"));
    }

    #[test]
    fn one_text_however_it_is_composed() {
        assert_eq!(written("\u{1112}\u{1161}\u{11AB}"), "한0");
        assert_eq!(written("E\u{301}"), written("é"));
    }

    #[test]
    fn what_has_no_letters_is_nothing() {
        assert_eq!(written(" \0\u{200B}—!?🔥"), "");
    }
}
