//! What somebody typed, as words.

use crate::gram::{Gram, letters};

/// Longest text that is looked for, in characters.
pub const LONGEST: usize = 100;
/// Most words in it: each is a reading of the index.
pub const MOST_WORDS: usize = 12;

/// Why a text is not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More characters than [`LONGEST`].
    #[error("at most {LONGEST} characters")]
    Long,
    /// More words than [`MOST_WORDS`].
    #[error("at most {MOST_WORDS} words")]
    Words,
}

/// What is looked for: each word, wherever it stands. Without any text everything is found; of a text without a letter, nothing.
///
/// ```
/// use search::Words;
/// assert!(Words::of("손목 시계").is_ok() && Words::of("\"a\" AND (b:c*)").is_ok(), "no text is a language");
/// assert!(Words::of(&"가".repeat(101)).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub(crate) runs: Vec<Vec<Gram>>,
    pub(crate) are_asked: bool,
}

impl Words {
    /// The words of a text.
    ///
    /// # Errors
    /// For more than is ever looked for.
    pub fn of(text: &str) -> Result<Self, TooMuch> {
        if text.chars().count() > LONGEST {
            return Err(TooMuch::Long);
        }
        let runs: Vec<_> = text.split_whitespace().flat_map(runs).collect();
        if runs.len() > MOST_WORDS {
            return Err(TooMuch::Words);
        }
        Ok(Self { runs, are_asked: !text.trim().is_empty() })
    }
}

/// The runs of letters in a word, each as what stands in a row: `kf-94` is two.
fn runs(word: &str) -> Vec<Vec<Gram>> {
    let letters = letters(word);
    let runs = letters.chunk_by(|(one, _), (next, _)| *next == one + 1);
    runs.map(|run| in_a_row(&run.iter().map(|(_, letter)| *letter).collect::<Vec<_>>())).collect()
}

/// Pairs one after the other; of one letter, itself.
fn in_a_row(run: &[char]) -> Vec<Gram> {
    let width = run.len().min(2);
    let pairs = run.windows(width).enumerate();
    pairs.map(|(at, pair)| Gram { text: pair.iter().collect(), at }).collect()
}
