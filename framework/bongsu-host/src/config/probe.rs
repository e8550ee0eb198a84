//! Has a type read one path of what it takes, and sees what it asks for at the end.
//!
//! Each look offers one path alone: a type that refuses what it was given (a name that is too short) has said by then what it
//! wanted.

use std::{cell::RefCell, fmt};

use serde::de::{
    self, DeserializeOwned, Deserializer, Error as _, IntoDeserializer as _, MapAccess, SeqAccess, Visitor,
    value::{Error, StrDeserializer},
};

/// One hop into a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hop {
    Field(&'static str),
    Item,
}

/// What is asked for at the end of a path.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Flag,
    /// With the words of who asks for it.
    Whole(String),
    Number,
    Text,
    OneOf(&'static [&'static str]),
    List,
    Table(&'static [&'static str]),
    Anything,
}

/// What a type asks for at the end of a path; anything, when it never comes there.
pub(super) fn look<T: DeserializeOwned>(path: &[Hop]) -> Asked {
    let seen = RefCell::new(Asked::Anything);
    // What it is given is never all of it: how it ends says nothing.
    drop(T::deserialize(Probe { path, seen: &seen }));
    seen.into_inner()
}

/// The names of a type's own settings; `None` when it takes any.
pub(super) fn fields<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    match look::<T>(&[]) {
        Asked::Table(fields) => Some(fields),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Probe<'p> {
    path: &'p [Hop],
    seen: &'p RefCell<Asked>,
}

/// What somebody expects, in his words.
struct Expects<'v, V>(&'v V);

impl<'de, V: Visitor<'de>> fmt::Display for Expects<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

impl Probe<'_> {
    /// It has been seen, and nothing more is of interest.
    fn sees<T>(self, asked: Asked) -> Result<T, Error> {
        if self.path.is_empty() {
            self.seen.replace(asked);
        }
        Err(Error::custom("seen"))
    }

    fn whole<'de, V: Visitor<'de>>(self, visitor: &V) -> Result<V::Value, Error> {
        self.sees(Asked::Whole(Expects(visitor).to_string()))
    }
}

/// Numbers, texts and flags.
macro_rules! asks {
    ($($method:ident => $asked:expr,)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            self.sees($asked)
        }
    )*};
}

macro_rules! asks_for_a_whole_number {
    ($($method:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.whole(&visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    asks_for_a_whole_number! {
        deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_i128,
        deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128,
    }

    asks! {
        deserialize_bool => Asked::Flag,
        deserialize_f32 => Asked::Number,
        deserialize_f64 => Asked::Number,
        deserialize_char => Asked::Text,
        deserialize_str => Asked::Text,
        deserialize_string => Asked::Text,
        deserialize_any => Asked::Anything,
        deserialize_bytes => Asked::Anything,
        deserialize_byte_buf => Asked::Anything,
        deserialize_unit => Asked::Anything,
        deserialize_map => Asked::Anything,
        deserialize_identifier => Asked::Anything,
        deserialize_ignored_any => Asked::Anything,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Error> {
        self.sees(Asked::Anything)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.path {
            [Hop::Item, path @ ..] => visitor.visit_seq(Once(Some(Probe { path, ..self }))),
            _ => self.sees(Asked::List),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Error>
    where
        V: Visitor<'de>,
    {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error>
    where
        V: Visitor<'de>,
    {
        match self.path {
            [Hop::Field(name), path @ ..] => {
                visitor.visit_map(One { name: Some(*name), probe: Probe { path, ..self } })
            }
            _ => self.sees(Asked::Table(fields)),
        }
    }

    fn deserialize_enum<V>(self, _: &'static str, words: &'static [&'static str], _: V) -> Result<V::Value, Error>
    where
        V: Visitor<'de>,
    {
        self.sees(Asked::OneOf(words))
    }
}

/// A list of one.
struct Once<'p>(Option<Probe<'p>>);

impl<'de> SeqAccess<'de> for Once<'_> {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|probe| seed.deserialize(probe)).transpose()
    }
}

/// A table of one field.
struct One<'p> {
    name: Option<&'static str>,
    probe: Probe<'p>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let name = self.name.take().map(|name| -> StrDeserializer<'_, Error> { name.into_deserializer() });
        name.map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.probe)
    }
}
