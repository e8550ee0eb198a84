//! The digest of a sample in `golden.lock`, written by standing tests and `bongsu new` and compared by the house rules.

/// FNV-1a of 64 bits (Fowler, Noll and Vo; their offset basis and prime), in hexadecimal: against accidents, not forgers.
pub fn of(bytes: &[u8]) -> String {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = bytes.iter().fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}
