//! Small gzip files, packed and unpacked as a whole.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

/// What every gzip file begins with, and no JSON text does.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// The same bytes give the same file: it names neither a time nor a system.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory has no way to fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// Unpacks at most `limit` bytes: a small file can unpack to more than there is memory.
///
/// # Errors
/// Says in words why the file cannot be read.
pub fn unpack(bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let limit_with_one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(bytes)
        .take(limit_with_one_more)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if unpacked.len() > limit {
        return Err(format!("it unpacks to more than {limit} bytes"));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_limit_is_exact() {
        let packed = pack(&[7; 1_000]);
        assert_eq!(unpack(&packed, 1_000).unwrap(), [7; 1_000]);
        assert_eq!(
            unpack(&packed, 999).unwrap_err(),
            "it unpacks to more than 999 bytes"
        );
    }

    #[test]
    fn what_is_beyond_the_limit_is_not_even_unpacked() {
        let packed = pack(&[7; 1_000_000]);
        let cut = &packed[..packed.len() - 100];
        assert_eq!(
            unpack(cut, 1_000).unwrap_err(),
            "it unpacks to more than 1000 bytes"
        );
    }

    #[test]
    fn a_cut_file_is_noticed_wherever_it_is_cut() {
        let packed = pack(b"what stands at the end is a checksum");
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end], 1_000).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let packed = pack(&bytes);
            prop_assert!(is_gzip(&packed));
            prop_assert_eq!(unpack(&packed, 2_000).unwrap(), bytes);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes, 1_000);
            let _ = unpack(&[&MAGIC, bytes.as_slice()].concat(), 1_000);
        }
    }
}
