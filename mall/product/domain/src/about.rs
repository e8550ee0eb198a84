//! What a page shows of a product besides its name and its price: all of it may be missing.

use serde::{Deserialize, Serialize};

use crate::product::is_sku;

/// The longest description in one language, in characters.
pub const LONGEST_DESCRIPTION: usize = 1_000;
/// The longest name of an option in one language, in characters.
pub const LONGEST_OPTION: usize = 40;
/// The longest name in one language, in characters: as long as that of the product.
pub const LONGEST_TRANSLATION: usize = 100;

/// A text in the languages of the mall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

/// An option is a choice among the products of one group: each is a product of its own, with its own stock and price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the products of one group have in common; written like a sku.
    pub group: String,
    /// What tells this one from the others: a size, a colour.
    pub option: Said,
}

/// Everything a page shows besides name and price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Where it stands in the shop; written like a sku, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its name in each language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Said>,
    /// What there is to say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Said>,
    /// The choice it is one of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// What its picture is drawn from: the same seed is the same picture. Written like a sku.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_seed: Option<String>,
}

/// What is wrong with what is said of a product, and where (a JSON pointer below it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which part.
    pub pointer: &'static str,
    /// What it should be.
    pub should: String,
}

impl About {
    /// Whether it says what a page can show.
    ///
    /// # Errors
    /// The first part that does not.
    ///
    /// ```
    /// use product_domain::about::{About, Said};
    /// let named = |ko: &str| About { names: Some(Said { ko: ko.into(), en: "Cup".into() }), ..About::default() };
    /// assert!(named("컵").check().is_ok());
    /// assert_eq!(named(" ").check().unwrap_err().pointer, "/names/ko");
    /// ```
    pub fn check(&self) -> Result<(), Fault> {
        word("/category", self.category.as_deref())?;
        if self.category.as_ref().is_some_and(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Err(Fault { pointer: "/category", should: "in lower case".into() });
        }
        said(["/names/ko", "/names/en"], self.names.as_ref(), LONGEST_TRANSLATION)?;
        said(["/description/ko", "/description/en"], self.description.as_ref(), LONGEST_DESCRIPTION)?;
        word("/choice/group", self.choice.as_ref().map(|choice| choice.group.as_str()))?;
        let option = self.choice.as_ref().map(|choice| &choice.option);
        said(["/choice/option/ko", "/choice/option/en"], option, LONGEST_OPTION)?;
        word("/picture_seed", self.picture_seed.as_deref())
    }
}

fn word(pointer: &'static str, text: Option<&str>) -> Result<(), Fault> {
    if text.is_none_or(is_sku) {
        return Ok(());
    }
    Err(Fault { pointer, should: "1 to 32 letters, digits, - or _".into() })
}

fn said(pointers: [&'static str; 2], said: Option<&Said>, most: usize) -> Result<(), Fault> {
    let Some(Said { ko, en }) = said else { return Ok(()) };
    let wrong = pointers.into_iter().zip([ko, en]).find(|(_, text)| !is_text(text, most));
    wrong.map_or(Ok(()), |(pointer, _)| {
        Err(Fault { pointer, should: format!("1 to {most} characters, no control characters") })
    })
}

/// Whether somebody can read it, and a page has room for it.
pub fn is_text(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control)
}
