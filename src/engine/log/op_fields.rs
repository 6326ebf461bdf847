//! Reading ops: the fields of all kinds in one struct, from which the kind that is named takes its own.
//!
//! serde reads a tagged enum by way of a tree of the whole value, since the tag may come last. For documents
//! of megabytes that tree takes many times their memory, and its code is a thirtieth of the Worker.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::record::{CommitId, Link, Op, Origin, Part};
use crate::engine::checkpoint::manifest::ManifestRef;
use crate::engine::document::Document;
use crate::engine::numbers::optional_id;
use crate::engine::state::Validate;

/// See [`Op`] for what each means.
#[derive(Deserialize)]
struct OpFields {
    op: String,
    database: Option<String>,
    private: Option<bool>,
    owner: Option<String>,
    #[serde(default, with = "optional_id")]
    notice: Option<u64>,
    table: Option<String>,
    id: Option<u32>,
    pk: Option<String>,
    mirror: Option<bool>,
    to: Option<String>,
    fields: Option<Vec<String>>,
    unique: Option<bool>,
    sparse: Option<bool>,
    schema: Option<Document>,
    refs: Option<Vec<u32>>,
    validate: Option<Validate>,
    head: Option<Link>,
    manifest: Option<ManifestRef>,
    up_to: Option<CommitId>,
    gaps: Option<Vec<(Link, Option<Link>)>>,
    key: Option<String>,
    rev: Option<u64>,
    doc: Option<Document>,
    hard: Option<bool>,
}

impl<'de> Deserialize<'de> for Op {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OpFields::deserialize(deserializer)?
            .into_op()
            .map_err(D::Error::custom)
    }
}

impl OpFields {
    /// The op; what is wrong where it lacks a field, or nobody knows its kind.
    fn into_op(self) -> Result<Op, String> {
        let kind = self.op;
        let table = || required(&kind, "table", self.table);
        let no = |value: Option<bool>| value.unwrap_or(false);
        Ok(match kind.as_str() {
            "init" => Op::Init {
                database: required(&kind, "database", self.database)?,
                private: required(&kind, "private", self.private)?,
                owner: self.owner,
            },
            "takeover" => Op::Takeover {
                owner: required(&kind, "owner", self.owner)?,
                notice: required(&kind, "notice", self.notice)?,
            },
            "create_table" => Op::CreateTable {
                table: table()?,
                id: required(&kind, "id", self.id)?,
                pk: required(&kind, "pk", self.pk)?,
                mirror: self.mirror.unwrap_or(true),
            },
            "rename_table" => Op::RenameTable {
                table: table()?,
                to: required(&kind, "to", self.to)?,
            },
            "drop_table" => Op::DropTable { table: table()? },
            "create_index" => Op::CreateIndex {
                table: table()?,
                id: required(&kind, "id", self.id)?,
                fields: required(&kind, "fields", self.fields)?,
                unique: no(self.unique),
                sparse: no(self.sparse),
            },
            "drop_index" => Op::DropIndex {
                table: table()?,
                id: required(&kind, "id", self.id)?,
            },
            "set_schema" => Op::SetSchema {
                table: table()?,
                schema: self.schema,
                refs: self.refs.unwrap_or_default(),
                validate: self.validate.unwrap_or_default(),
            },
            "checkpoint" => Op::Checkpoint {
                head: required(&kind, "head", self.head)?,
                manifest: required(&kind, "manifest", self.manifest)?,
            },
            "erased" => Op::Erased {
                up_to: required(&kind, "up_to", self.up_to)?,
                gaps: self.gaps.unwrap_or_default(),
            },
            "drop_database" => Op::DropDatabase {
                database: required(&kind, "database", self.database)?,
            },
            "put" => Op::Put {
                table: table()?,
                key: required(&kind, "key", self.key)?,
                rev: required(&kind, "rev", self.rev)?,
                doc: required(&kind, "doc", self.doc)?,
            },
            "delete" => Op::Delete {
                table: table()?,
                key: required(&kind, "key", self.key)?,
                rev: required(&kind, "rev", self.rev)?,
                hard: no(self.hard),
            },
            _ => return Err(format!("there is no op `{kind}`")),
        })
    }
}

fn required<T>(op: &str, field: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("op `{op}` has no `{field}`"))
}

/// See [`Part`].
#[derive(Deserialize)]
struct PartFields {
    i: String,
    u: String,
    c: String,
    n: Option<usize>,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = PartFields::deserialize(deserializer)?;
        Ok(Part {
            origin: Origin {
                interaction: fields.i,
                user: fields.u,
                command: fields.c,
            },
            ops: fields.n.unwrap_or(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_a_field_or_is_unknown_is_named() {
        let read = |text: &str| serde_json::from_str::<Op>(text).map_err(|error| error.to_string());
        let put = r#"{"doc":{"a":1},"rev":1,"key":"k","table":"t","op":"put","later":[1]}"#;
        assert!(matches!(read(put).unwrap(), Op::Put { rev: 1, .. }));
        for (text, why) in [
            (
                r#"{"op":"put","table":"t","key":"k","rev":1}"#,
                "op `put` has no `doc`",
            ),
            (r#"{"op":"fly"}"#, "there is no op `fly`"),
            (r#"{"table":"t"}"#, "missing field `op`"),
            (
                r#"{"op":"delete","table":"t","key":"k","rev":-1}"#,
                "invalid value",
            ),
            (r#"{"op":"put","op":"put"}"#, "duplicate field"),
        ] {
            assert!(
                read(text).unwrap_err().contains(why),
                "{text}: {:?}",
                read(text)
            );
        }
    }
}
