//! An attribute that a fact may travel without.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// What stands there, of whatever type: whoever needs it says whether that will do.
#[derive(Debug, Default)]
pub(crate) enum Attribute<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Number(u64),
    /// Nothing that anybody reads, in words.
    Other(&'static str),
}

/// Why an attribute will not do.
#[derive(Debug, thiserror::Error)]
#[error("is {found}, not {wanted}")]
pub(crate) struct Unfit {
    found: &'static str,
    wanted: &'static str,
}

impl<'a> Attribute<'a> {
    /// The text; `None` where there is nothing.
    pub(crate) fn text(self) -> Result<Option<Cow<'a, str>>, Unfit> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            other => Err(other.unfit("a text")),
        }
    }

    /// The whole number; `None` where there is nothing.
    pub(crate) fn number(&self) -> Result<Option<u64>, Unfit> {
        match self {
            Self::Absent => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            other => Err(other.unfit("a whole number")),
        }
    }

    /// The same, where null is nothing, too.
    pub(crate) fn or_null(self) -> Self {
        if matches!(self, Self::Null) { Self::Absent } else { self }
    }

    /// Itself, without what it owns.
    pub(crate) fn by_ref(&self) -> Attribute<'_> {
        match self {
            Self::Absent => Attribute::Absent,
            Self::Null => Attribute::Null,
            Self::Text(text) => Attribute::Text(Cow::Borrowed(text)),
            Self::Number(number) => Attribute::Number(*number),
            Self::Other(what) => Attribute::Other(what),
        }
    }

    fn unfit(&self, wanted: &'static str) -> Unfit {
        let found = match self {
            Self::Absent => "missing",
            Self::Null => "null",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Other(what) => what,
        };
        Unfit { found, wanted }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Attribute<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsItStands)
    }
}

struct AsItStands;

impl<'de> Visitor<'de> for AsItStands {
    type Value = Attribute<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Attribute::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Attribute::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Attribute::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Attribute::Other("a number below 0"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Attribute::Other("a number with a fraction or too large"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Attribute::Other("true or false"))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Attribute::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Attribute::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Attribute::Other("an object"))
    }
}
