//! dbcord's side: the state that an opened database has in memory, asked as commands ask it.

use dbcord::engine::find::{Asked, Find};
use dbcord::engine::index::{Definition, Entries};
use dbcord::engine::log::CommitId;
use dbcord::engine::query::{Filter, Pipeline};
use dbcord::engine::state::{Index, Row, State, Table, sum_of};
use dbcord::error::Result;

use super::comparison::Contender;
use super::question::{Question, Text};
use super::rows::Users;

const TABLE: u32 = 1;
const NAME: &str = "users";

pub struct Engine(State);

impl Engine {
    /// With an index over `email`, whose values are unique, and one over `points`.
    pub fn new(users: &Users) -> Engine {
        let at = CommitId::default();
        let mut table = Table::new(TABLE, "id", false, at);
        let rows = users.rows();
        let rows = rows.map(|(key, doc)| (key, Row::new(1, Some(doc.into()), at)));
        table.rows = rows.collect();
        table.sum = sum_of(TABLE, &table.rows);
        let mut state = State::default();
        for (id, field, unique) in [(2, "email", true), (3, "points", false)] {
            let definition = Definition::parse("fields", field, unique, false);
            let definition = definition.expect("the fields are paths");
            let mut index = Index::new(id, TABLE, definition, false, at);
            let live = table.live().map(|(key, _, doc)| (key, doc));
            index.entries = Entries::of(&index.definition, live);
            state.indexes.insert(id, index);
        }
        state.tables.insert(NAME.to_owned(), table);
        Engine(state)
    }

    fn ask(&self, text: &Text) -> Result<Vec<String>> {
        let asked = Asked::new(&self.0, self.0.table("bench", NAME)?);
        Ok(match text {
            Text::Find(filter, sort, limit, _) => {
                let find = Find {
                    filter: Filter::parse("where_json", filter)?,
                    sort: sort.map(str::to_owned),
                    limit: *limit,
                    ..Find::default()
                };
                let (_, found) = asked.find(&find)?;
                found.rows.into_iter().map(|row| row.doc).collect()
            }
            Text::Count(filter, _) => {
                let filter = Filter::parse("where_json", filter)?;
                vec![asked.count(&filter)?.1.to_string()]
            }
            Text::Aggregate(pipeline) => {
                let pipeline = Pipeline::parse("pipeline_json", pipeline, &asked.table.pk)?;
                let nothing = |_: &str| Ok(Box::new(std::iter::empty()) as _);
                asked.aggregate(&pipeline, &nothing, usize::MAX)?.1.rows
            }
        })
    }
}

impl Contender for Engine {
    fn answer(&mut self, _: &Question, text: &Text) -> Vec<String> {
        self.ask(text).expect("the question makes sense")
    }
}
