//! Numbers as JSON has them in records and files: as strings, where most tools would round a number.

use serde::{Deserialize, Deserializer, Serializer};

use crate::text::fixed_hex;

/// A 64-bit checksum as 16 hexadecimal digits: as a JSON number most tools would round it.
pub mod hex16 {
    use super::{Deserialize, Deserializer, Serializer, fixed_hex};

    pub fn serialize<S: Serializer>(sum: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{sum:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        fixed_hex(&text, 16)
            .ok_or_else(|| serde::de::Error::custom("a checksum has 16 hexadecimal digits"))
    }
}

/// An id of Discord, which JSON has as a string: as a number most tools would round it.
pub mod id {
    use super::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        parse(&String::deserialize(deserializer)?)
    }

    pub(super) fn parse<E: serde::de::Error>(text: &str) -> Result<u64, E> {
        text.parse()
            .map_err(|_| E::custom("an id is a number in quotes"))
    }
}

/// [`id`], where there may be none.
pub mod optional_id {
    use super::{Deserialize, Deserializer, Serializer, id};

    pub fn serialize<S: Serializer>(id: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => serializer.collect_str(id),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| id::parse(&text)).transpose()
    }
}

/// A list of [`id`]s.
pub mod id_list {
    use super::{Deserialize, Deserializer, Serializer, id};

    pub fn serialize<S: Serializer>(ids: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(u64::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| id::parse(text)).collect()
    }
}
