//! Finding where values end, which is most of what a scan does.

/// Where the value ends that begins at `from`: never before `from`.
#[inline]
pub(super) fn end_of_value(bytes: &[u8], from: usize) -> usize {
    match bytes.get(from) {
        Some(b'"') => end_of_string(bytes, from + 1).0 + 1,
        Some(b'{' | b'[') => end_of_container(bytes, from),
        _ => end_of_scalar(bytes, from),
    }
}

pub(super) fn end_of_scalar(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b',' | b'}' | b']') {
            break;
        }
        at += 1;
    }
    at
}

fn end_of_container(bytes: &[u8], from: usize) -> usize {
    let mut depth: usize = 0;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(bytes, at).0 + 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    at
}

/// Where the closing quote of a string is, and whether there are escapes before it. Eight bytes at a time,
/// since strings are most of what is skipped.
#[inline]
pub(super) fn end_of_string(bytes: &[u8], begin: usize) -> (usize, bool) {
    let mut at = begin;
    let mut has_escapes = false;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let found = bytes_equal(word, b'"') | bytes_equal(word, b'\\');
        if found == 0 {
            at += 8;
            continue;
        }
        // The lowest mark is always true; above it there may be false ones.
        at += found.trailing_zeros() as usize / 8;
        if bytes.get(at) == Some(&b'"') {
            return (at, has_escapes);
        }
        has_escapes = true;
        at += 2;
    }
    loop {
        match bytes.get(at) {
            Some(b'\\') => {
                has_escapes = true;
                at += 2;
            }
            Some(b'"') => return (at, has_escapes),
            Some(_) => at += 1,
            None => return (bytes.len(), has_escapes),
        }
    }
}

/// Marks the bytes of a word that equal `byte` by their highest bits, exactly up to the first.
#[inline]
fn bytes_equal(word: u64, byte: u8) -> u64 {
    const LOWEST: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);
    let differs = word ^ (LOWEST * u64::from(byte));
    differs.wrapping_sub(LOWEST) & !differs & HIGHEST
}
