//! An RSA key out of its envelope: the library that draws it wraps it (RFC 5208), the one that signs wants it bare
//! (RFC 8017, A.1.2).

/// Version 0, rsaEncryption without parameters, and the tag of what is wrapped.
const RSA: [u8; 19] = [2, 1, 0, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0, 4];

/// The key inside.
pub(super) fn rsa_key(envelope: &[u8]) -> Option<&[u8]> {
    let inside = contents(envelope.strip_prefix(&[0x30])?)?;
    contents(inside.strip_prefix(&RSA)?)
}

/// What a length in front announces, if it is all of the rest.
fn contents(bytes: &[u8]) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = match first {
        0..=127 => (usize::from(*first), rest),
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    (rest.len() == length).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_envelope_of_an_rsa_key_has_no_key_inside() {
        let whole = [&[0x30, 22][..], &RSA, &[2, 0x30, 0]].concat();
        assert_eq!(rsa_key(&whole), Some(&[0x30, 0][..]));
        assert_eq!(rsa_key(&whole[..23]), None);
        assert_eq!(rsa_key(&[&whole[..], &[0]].concat()), None);
        assert_eq!(rsa_key(&[]), None);
    }
}
