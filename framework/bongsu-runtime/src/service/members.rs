//! Which members a type has in a body, there or not. A body alone does not show what it leaves out.

use std::{cell::RefCell, collections::BTreeSet, iter::Enumerate, slice};

use bongsu_core::Wire;
use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error as _, IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value, map};

/// JSON pointers (RFC 6901).
type Pointers = RefCell<BTreeSet<String>>;

/// The JSON pointer of every member that the newest version of a name has in that body: of each of its structs that is there.
///
/// The search ends at a place that does not fit, and at a map whose keys are no texts. What serde buffers before it reads it
/// (`#[serde(tag)]`, `untagged`, `flatten`) does not say what it has.
pub(crate) fn members<W: Wire>(name: &str, body: &Value) -> BTreeSet<String> {
    let found = Pointers::default();
    // Whether the body fits is for whoever reads it to say.
    let _ = W::read_from(name, Place { value: body, at: String::new(), found: &found });
    found.into_inner()
}

/// One value of the body, and where it stands.
#[derive(Clone)]
struct Place<'de, 'f> {
    value: &'de Value,
    at: String,
    found: &'f Pointers,
}

/// The items of a list.
struct Items<'de, 'f> {
    left: Enumerate<slice::Iter<'de, Value>>,
    of: Place<'de, 'f>,
}

/// The members of an object, one of them half read.
struct Members<'de, 'f> {
    left: map::Iter<'de>,
    next: Option<Place<'de, 'f>>,
    of: Place<'de, 'f>,
}

/// The name of a member, or of a variant.
#[derive(Clone, Copy)]
struct Name<'de>(&'de str);

/// A variant by its name, and what it holds.
struct Held<'de, 'f>(&'de str, Place<'de, 'f>);

impl<'de> Place<'de, '_> {
    fn part(&self, step: &str, value: &'de Value) -> Self {
        Self { value, at: self.below(step), found: self.found }
    }

    fn below(&self, step: &str) -> String {
        format!("{}/{}", self.at, step.replace('~', "~0").replace('/', "~1"))
    }

    fn has(&self, fields: &[&str]) {
        self.found.borrow_mut().extend(fields.iter().map(|field| self.below(field)));
    }
}

impl<'de> Deserializer<'de> for Place<'de, '_> {
    type Error = Error;

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => visitor.visit_seq(Items { left: items.iter().enumerate(), of: self }),
            Value::Object(members) => visitor.visit_map(Members { left: members.iter(), next: None, of: self }),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.has(fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::String(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            Value::Object(members) => match members.iter().next() {
                Some((name, held)) => visitor.visit_enum(Held(name, self.part(name, held))),
                None => Err(Error::custom("a variant is expected")),
            },
            _ => Err(Error::custom("a variant is expected")),
        }
    }
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Error;

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any option
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((index, item)) = self.left.next() else { return Ok(None) };
        seed.deserialize(self.of.part(&index.to_string(), item)).map(Some)
    }
}

impl<'de> MapAccess<'de> for Members<'de, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((name, member)) = self.left.next() else { return Ok(None) };
        self.next = Some(self.of.part(name, member));
        seed.deserialize(Name(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let member = self.next.take().ok_or_else(|| Error::custom("a name comes before its value"))?;
        seed.deserialize(member)
    }
}

impl<'de, 'f> EnumAccess<'de> for Held<'de, 'f> {
    type Error = Error;
    type Variant = Place<'de, 'f>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Error> {
        Ok((seed.deserialize(Name(self.0))?, self.1))
    }
}

impl<'de> VariantAccess<'de> for Place<'de, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.has(fields);
        self.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bongsu_core::message;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[message("house.let", version = 1)]
    struct Let {
        id: Id,
        rooms: Vec<Room>,
        to: Option<Room>,
        how: How,
        keys: BTreeMap<Id, Room>,
    }

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Id(String);

    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(default)]
    struct Room {
        name: String,
        note: Option<String>,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    enum How {
        Free,
        Rent { amount: u32, until: Option<u32> },
        Swap(Room, Room),
        Share(Room),
    }

    fn of(body: &Value) -> Vec<String> {
        members::<Let>("house.let", body).into_iter().filter(|place| place.matches('/').count() > 1).collect()
    }

    #[test]
    fn what_a_body_leaves_out_is_a_member_at_every_depth() {
        let rent = json!({ "Rent": { "amount": 1 } });
        let body = json!({ "id": "h1", "rooms": [{ "name": "one" }], "to": {}, "how": rent, "keys": { "a/b": {} } });
        let first = ["/how/Rent/amount", "/how/Rent/until", "/keys/a~1b/name", "/keys/a~1b/note"];
        let last = ["/rooms/0/name", "/rooms/0/note", "/to/name", "/to/note"];
        assert_eq!(of(&body), [first, last].concat());
        assert_eq!(members::<Let>("house.let", &json!({})).len(), 5, "where nothing is, its own are there");
        assert!(members::<Let>("house.sold", &body).is_empty(), "another name has none");
    }

    #[test]
    fn variants_of_every_kind_are_entered() {
        let with = |how: Value| of(&json!({ "id": "h1", "rooms": [], "to": null, "how": how, "keys": {} }));
        assert!(with(json!("Free")).is_empty());
        assert_eq!(with(json!({ "Share": {} })), ["/how/Share/name", "/how/Share/note"]);
        assert_eq!(with(json!({ "Swap": [{}, {}] })).len(), 4);
        assert!(with(json!({})).is_empty() && with(json!(7)).is_empty(), "what does not fit ends the search");
    }
}
