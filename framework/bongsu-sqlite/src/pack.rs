//! Lists packed into one column: a row per event and per document, not one per fact and per index entry.
//!
//! Lengths are four bytes, little endian, in front of each part.

use bongsu_runtime::ports::store::Fact;
use bytes::Bytes;

/// Facts in one value; `cloudevent` stays readable text inside.
pub(crate) fn facts(all: &[Fact]) -> Vec<u8> {
    let mut out = Vec::new();
    for fact in all {
        for part in [&fact.id, &fact.topic, &fact.subject, &fact.partition_key] {
            push(&mut out, part.as_bytes());
        }
        out.extend(fact.sequence.to_le_bytes());
        push(&mut out, &fact.cloudevent);
    }
    out
}

/// The facts in a value; `None` when it is damaged.
pub(crate) fn unpack_facts(mut bytes: &[u8]) -> Option<Vec<Fact>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let [id, topic, subject, partition_key] =
            [text(&mut bytes)?, text(&mut bytes)?, text(&mut bytes)?, text(&mut bytes)?];
        let (sequence, rest) = bytes.split_first_chunk()?;
        bytes = rest;
        let cloudevent = Bytes::copy_from_slice(part(&mut bytes)?);
        all.push(Fact { id, topic, subject, partition_key, sequence: u64::from_le_bytes(*sequence), cloudevent });
    }
    Some(all)
}

/// Index entries of a document in one value, so that writing it again knows which to delete; `None` without any.
pub(crate) fn entries(all: &[(u16, Bytes)]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for (number, key) in all {
        out.extend(number.to_le_bytes());
        push(&mut out, key);
    }
    (!all.is_empty()).then_some(out)
}

/// The index entries in a value; `None` when it is damaged.
pub(crate) fn unpack_entries(mut bytes: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (number, rest) = bytes.split_first_chunk()?;
        bytes = rest;
        all.push((u16::from_le_bytes(*number), part(&mut bytes)?.to_vec()));
    }
    Some(all)
}

fn push(out: &mut Vec<u8>, part: &[u8]) {
    // Bodies are at most 1 MiB and names travel in Commits bounded by the queue, so the length always fits.
    out.extend((part.len() as u32).to_le_bytes());
    out.extend(part);
}

fn part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(part)
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    String::from_utf8(part(bytes)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact() -> Fact {
        let text = |text: &str| text.to_owned();
        Fact {
            id: text("i"),
            topic: String::new(),
            subject: text("봉수"),
            partition_key: text("k"),
            sequence: u64::MAX,
            cloudevent: Bytes::from_static(b"{\x00\xff}"),
        }
    }

    #[test]
    fn facts_and_entries_come_back() {
        let all = [fact(), Fact { sequence: 1, ..fact() }];
        assert_eq!(unpack_facts(&facts(&all)).as_deref(), Some(&all[..]));
        let index = [(u16::MAX, Bytes::from_static(b"\0")), (0, Bytes::new())];
        let packed = entries(&index).unwrap();
        assert_eq!(unpack_entries(&packed).unwrap(), [(u16::MAX, b"\0".to_vec()), (0, Vec::new())]);
        assert_eq!(entries(&[]), None);
    }

    #[test]
    fn a_value_cut_anywhere_is_damaged_not_a_panic() {
        let whole = facts(&[fact()]);
        for end in 1..whole.len() {
            assert_eq!(unpack_facts(&whole[..end]), None, "{end} of {}", whole.len());
        }
        let whole = entries(&[(1, Bytes::from_static(b"key"))]).unwrap();
        for end in 1..whole.len() {
            assert_eq!(unpack_entries(&whole[..end]), None, "{end} of {}", whole.len());
        }
    }
}
