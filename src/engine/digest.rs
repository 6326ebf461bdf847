//! Checksums of rows and order-free digests of tables.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::text::fixed_hex;

/// A row's checksum: the first 8 bytes of SHA-256 over table id, key, revision and document text,
/// key and document with their lengths in front, so that no two rows share an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowSum(pub u64);

impl RowSum {
    pub fn of(table: u32, key: &str, rev: u64, doc: &str) -> RowSum {
        let mut hash = Sha256::new();
        hash.update(table.to_be_bytes());
        hash.update((key.len() as u64).to_be_bytes());
        hash.update(key);
        hash.update(rev.to_be_bytes());
        hash.update((doc.len() as u64).to_be_bytes());
        hash.update(doc);
        RowSum(first_8_bytes(&hash.finalize()))
    }

    pub fn parse(text: &str) -> Option<RowSum> {
        fixed_hex(text, 16).map(RowSum)
    }
}

/// Of a hash, as a big-endian number.
pub(in crate::engine) fn first_8_bytes(hash: &[u8]) -> u64 {
    let first = hash.iter().take(8);
    first.fold(0, |number, &byte| number << 8 | u64::from(byte))
}

impl fmt::Display for RowSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How many rows a table has and the sum of their checksums: the same whatever the order of
/// writes, and kept up to date without looking at other rows. In a record: `[count, "hex"]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableSum {
    pub rows: u64,
    pub digest: u64,
}

impl TableSum {
    pub fn add(&mut self, row: RowSum) {
        self.rows = self.rows.wrapping_add(1);
        self.digest = self.digest.wrapping_add(row.0);
    }

    pub fn remove(&mut self, row: RowSum) {
        self.rows = self.rows.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(row.0);
    }
}

impl Serialize for TableSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.rows, format!("{:016x}", self.digest)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TableSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (rows, digest) = <(u64, String)>::deserialize(deserializer)?;
        let digest = fixed_hex(&digest, 16)
            .ok_or_else(|| serde::de::Error::custom("a digest has 16 hexadecimal digits"))?;
        Ok(TableSum { rows, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_forgets_order_and_nothing_else() {
        let rows = [("a", 1, "{}"), ("b", 2, "{}"), ("c", 1, r#"{"x":1}"#)];
        let sum = |order: &[usize]| {
            let mut sum = TableSum::default();
            for &at in order {
                let (key, rev, doc) = rows[at];
                sum.add(RowSum::of(1, key, rev, doc));
            }
            sum
        };
        assert_eq!(sum(&[0, 1, 2]), sum(&[2, 0, 1]));
        assert_ne!(sum(&[0, 1]), sum(&[0, 2]));
        let mut back = sum(&[0, 1, 2]);
        back.remove(RowSum::of(1, "b", 2, "{}"));
        assert_eq!(back, sum(&[0, 2]));
    }

    #[test]
    fn neighbouring_fields_do_not_run_together() {
        assert_ne!(RowSum::of(1, "ab", 1, "{}"), RowSum::of(1, "a", 1, "b{}"));
        assert_ne!(RowSum::of(1, "a", 1, "{}"), RowSum::of(2, "a", 1, "{}"));
    }
}
