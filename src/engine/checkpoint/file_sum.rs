//! Checksums of files.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::engine::digest::first_8_bytes;
use crate::engine::numbers::hex16;
use crate::text::fixed_hex;

/// The first 8 bytes of a file's SHA-256, written as 16 small hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileSum(pub u64);

impl FileSum {
    pub fn of(bytes: &[u8]) -> FileSum {
        FileSum(first_8_bytes(&Sha256::digest(bytes)))
    }

    pub fn parse(text: &str) -> Option<FileSum> {
        fixed_hex(text, 16).map(FileSum)
    }
}

impl fmt::Display for FileSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for FileSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hex16::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for FileSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex16::deserialize(deserializer).map(FileSum)
    }
}
