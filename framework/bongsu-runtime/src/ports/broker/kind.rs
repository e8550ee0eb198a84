//! The type of a fact, found at its front: most of what a reader fetches is none of its business, and is passed over without
//! reading the rest.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{IgnoredAny, MapAccess, Visitor},
};

/// The `type` a message bears, without a look at what comes behind it. `None` where that cannot be said so simply: whoever
/// reads the whole ([`Attributes::read`](super::Attributes::read)) finds out what it is.
///
/// ```
/// use bongsu_runtime::ports::broker::kind_of;
///
/// assert_eq!(kind_of(br#"{"specversion":"1.0","type":"gate.door-opened.v1","subject":"door/7"}"#), Some("gate.door-opened.v1"));
/// assert_eq!(kind_of(b"{}"), None);
/// ```
pub fn kind_of(cloudevent: &[u8]) -> Option<&str> {
    let mut found = None;
    // Left in the midst of the object, which the reader takes for an error.
    let _ = serde_json::Deserializer::from_slice(cloudevent).deserialize_map(Front(&mut found));
    found
}

/// Looks for the type in an object, and leaves it there.
struct Front<'f, 'de>(&'f mut Option<&'de str>);

impl<'de> Visitor<'de> for Front<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<&str>()? {
            if name == "type" {
                *self.0 = Some(members.next_value()?);
                break;
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_found_wherever_it_stands_and_nothing_is_made_up() {
        for (message, expected) in [
            (r#"{"specversion":"1.0","type":"gate.rung.v1","data":{}}"#, Some("gate.rung.v1")),
            (r#"{"data":{"type":"inner"},"type":"gate.rung.v1"}"#, Some("gate.rung.v1")),
            (r#"{"type":"gate.rung.v1","data":garbage"#, Some("gate.rung.v1")),
            (r#"{"type":"gate.\u0072ung.v1"}"#, None),
            (r#"{"ty\u0070e":"gate.rung.v1"}"#, None),
            (r#"{"type":7}"#, None),
            (r#"{"data":{"type":"inner"}}"#, None),
            (r#"["type","gate.rung.v1"]"#, None),
            ("", None),
            ("garbage", None),
        ] {
            assert_eq!(kind_of(message.as_bytes()), expected, "{message}");
        }
        assert_eq!(kind_of(b"{\"type\":\"\xff\"}"), None);
    }
}
