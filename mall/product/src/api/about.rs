//! What a page shows of a product, as the API says it: the shapes of [`product_domain::about`], described.

use product_domain::about::{self, Said};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A text in the languages of the mall; no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Translated {
    /// Korean.
    #[schema(min_length = 1)]
    ko: String,
    /// English.
    #[schema(min_length = 1)]
    en: String,
}

/// An option is a choice among the products of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// What the products of one group have in common.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,32}$")]
    group: String,
    /// What tells this one from the others; at most 40 characters.
    option: Translated,
}

/// What a page shows besides name and price; all of it may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// Where it stands in the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9_-]{1,32}$")]
    category: Option<String>,
    /// Its name in each language; at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names: Option<Translated>,
    /// What there is to say of it; at most 1 000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Translated>,
    /// The choice it is one of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
    /// What its picture is drawn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,32}$")]
    picture_seed: Option<String>,
}

impl From<Translated> for Said {
    fn from(Translated { ko, en }: Translated) -> Self {
        Self { ko, en }
    }
}

impl From<Said> for Translated {
    fn from(Said { ko, en }: Said) -> Self {
        Self { ko, en }
    }
}

impl From<Choice> for about::Choice {
    fn from(Choice { group, option }: Choice) -> Self {
        Self { group, option: option.into() }
    }
}

impl From<about::Choice> for Choice {
    fn from(about::Choice { group, option }: about::Choice) -> Self {
        Self { group, option: option.into() }
    }
}

impl From<About> for about::About {
    fn from(About { category, names, description, choice, picture_seed }: About) -> Self {
        let (names, description) = (names.map(Into::into), description.map(Into::into));
        Self { category, names, description, choice: choice.map(Into::into), picture_seed }
    }
}

impl From<about::About> for About {
    fn from(about::About { category, names, description, choice, picture_seed }: about::About) -> Self {
        let (names, description) = (names.map(Into::into), description.map(Into::into));
        Self { category, names, description, choice: choice.map(Into::into), picture_seed }
    }
}
