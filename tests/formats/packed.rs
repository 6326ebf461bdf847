//! Golden gzip files. What must stay is the text inside: another release of the packer may pack it
//! differently. The file that lies here must be readable for good all the same.

use std::io::Read as _;

use super::path;

/// Compares what was packed now with the golden file, and gives the latter.
pub fn golden_packed(name: &str, actual: &[u8]) -> Vec<u8> {
    let path = path(name);
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{name}: {error}; UPDATE_GOLDEN=1 writes it"));
    assert_eq!(
        unpack(actual),
        unpack(&expected),
        "{name}: the format has changed"
    );
    expected
}

pub fn unpack(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::bufread::MultiGzDecoder::new(bytes);
    decoder.read_to_string(&mut text).unwrap();
    text
}
