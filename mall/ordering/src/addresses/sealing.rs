//! Sealing a text with a key: ChaCha20-Poly1305 (RFC 8439), as `sealed:v1:` and base64 of nonce, ciphertext and tag. Whose it is is
//! sealed with it, so that it opens as nobody else's. Knows no documents.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD as BASE64};

/// Bytes of a key.
pub(super) const KEY: usize = 32;
/// Bytes that are drawn for each text: of 96 random bits no two are the same in the life of a key, which seals one customer's orders.
pub(super) const NONCE: usize = NONCE_LEN;

/// What a sealed text begins with.
const V1: &str = "sealed:v1:";

/// Whether a text is sealed.
pub(super) fn is_sealed(text: &str) -> bool {
    text.starts_with(V1)
}

/// Seals a text of somebody's.
pub(super) fn seal(key: &[u8; KEY], nonce: [u8; NONCE], whose: &str, text: &str) -> String {
    let mut sealed = text.as_bytes().to_vec();
    let nonce_used = Nonce::assume_unique_for_key(nonce);
    let done = cipher(key).seal_in_place_append_tag(nonce_used, Aad::from(whose), &mut sealed);
    done.expect("a text of some hundred bytes is not too long for it");
    format!("{V1}{}", BASE64.encode([&nonce[..], &sealed].concat()))
}

/// What was sealed; `None` when it was not sealed with this key as that person's.
pub(super) fn open(key: &[u8; KEY], whose: &str, sealed: &str) -> Option<String> {
    let bytes = BASE64.decode(sealed.strip_prefix(V1)?).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
    let mut sealed = sealed.to_vec();
    let text = cipher(key).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(whose), &mut sealed).ok()?;
    String::from_utf8(text.to_vec()).ok()
}

fn cipher(key: &[u8; KEY]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of its length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "서울시 12번가 7\n2층";

    #[test]
    fn what_is_sealed_opens_with_its_key_as_its_owners_and_not_otherwise() {
        let sealed = seal(&[1; KEY], [2; NONCE], "usr_1", TEXT);
        assert!(is_sealed(&sealed) && !is_sealed(TEXT) && sealed.is_ascii());
        assert_eq!(open(&[1; KEY], "usr_1", &sealed).as_deref(), Some(TEXT));
        assert_eq!(open(&[3; KEY], "usr_1", &sealed), None, "another key");
        assert_eq!(open(&[1; KEY], "usr_2", &sealed), None, "another person");
        assert_eq!(open(&[1; KEY], "usr_1", TEXT), None, "not sealed");
        for cut in 0..sealed.len() {
            assert_eq!(open(&[1; KEY], "usr_1", &sealed[..cut]), None, "cut at {cut}");
            let other = if sealed.as_bytes()[cut] == b'A' { "B" } else { "A" };
            let changed = [&sealed[..cut], other, &sealed[cut + 1..]].concat();
            assert_eq!(open(&[1; KEY], "usr_1", &changed), None, "changed at {cut}");
        }
    }

    #[test]
    fn the_cipher_is_the_one_of_the_standard() {
        // RFC 8439, 2.8.2: another associated text is sealed there, so that only the ciphertext's beginning is compared.
        let key: [u8; KEY] = std::array::from_fn(|at| 0x80 + at as u8);
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let sealed = BASE64.decode(&seal(&key, nonce, "", text)[V1.len()..]).unwrap();
        assert_eq!(sealed[NONCE..][..8], [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb]);
    }
}
