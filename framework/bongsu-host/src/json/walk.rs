//! One look at every place of a JSON text, before it is read as something: what no type of ours can see is found here.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::escape;

/// The first place with something that must not be there, and what it is.
///
/// Found are U+0000 in a text or name, and a name given twice in one object, of which readers disagree which one counts.
/// Its depth was checked, so this may recurse.
///
/// # Errors
/// When the text is not JSON, also in places that nobody reads.
pub(super) fn first_fault(bytes: &[u8]) -> Result<Option<(String, &'static str)>, serde_json::Error> {
    let mut seen = Seen::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Place(&mut seen).deserialize(&mut json)?;
    json.end()?;
    Ok(seen.fault)
}

#[derive(Default)]
struct Seen {
    at: String,
    fault: Option<(String, &'static str)>,
}

/// A place in the text.
struct Place<'s>(&'s mut Seen);

impl Seen {
    fn fault(&mut self, what: &'static str) {
        if self.fault.is_none() {
            self.fault = Some((self.at.clone(), what));
        }
    }

    fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.fault("U+0000 is not accepted");
        }
    }

    /// Does something one step further down.
    fn below<T>(&mut self, step: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.at.len();
        self.at.push('/');
        self.at.push_str(step);
        let seen = look(self);
        self.at.truncate(length);
        seen
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let item = self.0.below(&index.to_string(), |seen| items.next_element_seed(Place(seen)))?;
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.0.text(&name);
            self.0.below(&escape(&name), |seen| {
                if names.contains(&name) {
                    seen.fault("given twice");
                }
                members.next_value_seed(Place(seen))
            })?;
            names.insert(name);
        }
        Ok(())
    }
}
