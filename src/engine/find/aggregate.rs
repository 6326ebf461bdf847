//! Putting a table's rows through a pipeline. Answered from memory, so exactly as of the last acknowledged
//! commit.

use super::{Asked, Cost, Looked};
use crate::engine::database::Database;
use crate::engine::query::aggregate::{Output, Rows};
use crate::engine::query::{Filter, Pipeline};
use crate::engine::state::{State, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;

/// A pipeline as it was given.
#[derive(Debug, Clone, Copy)]
pub struct Aggregate<'a> {
    /// The option that it came in.
    pub option: &'static str,
    /// A JSON list of stages.
    pub pipeline: &'a str,
    /// How many rows of the result are wanted, at most.
    pub limit: usize,
}

impl<H: Host> Database<H> {
    /// What comes out of a pipeline.
    ///
    /// # Errors
    /// What makes no sense in the pipeline or goes beyond its limits; a table that is not there or cannot be
    /// loaded.
    pub async fn aggregate(&self, table: &str, question: Aggregate<'_>) -> Result<(Output, Cost)> {
        let began = self.asked_now(table);
        self.load_table_for_reading(table).await?;
        let pk = {
            let opened = self.opened()?;
            opened.state.table(&self.name, table)?.pk.clone()
        };
        let pipeline = Pipeline::parse(question.option, question.pipeline, &pk)?;
        for other in pipeline.tables() {
            self.load_table(other).await?;
        }
        let opened = self.opened()?;
        let asked = Asked::new(&opened.state, self.loaded(&opened.state, table)?);
        let foreign = |name: &str| {
            let found = self.loaded(&opened.state, name);
            found
                .map(rows)
                .map_err(|error| error.option(question.option))
        };
        let (looked, output) = asked.aggregate(&pipeline, &foreign, question.limit)?;
        Ok((output, self.cost(began, looked, &opened.state)))
    }

    /// A table whose rows are in memory. While others were loaded, somebody may have dropped and made it again,
    /// or the database may have been opened again.
    fn loaded<'s>(&self, state: &'s State, name: &str) -> Result<&'s Table> {
        let table = state.table(&self.name, name)?;
        if table.is_loaded {
            return Ok(table);
        }
        let message = format!("the rows of `{}.{name}` left memory meanwhile.", self.name);
        Err(Error::new(ErrorKind::Unavailable, message).hint("Try again."))
    }
}

impl<'a> Asked<'a> {
    /// Puts the rows of a table that is in memory through a pipeline, and `foreign` those of the tables that it
    /// joins with. Of what comes out, the first `limit` are kept.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn aggregate(
        &self,
        pipeline: &'a Pipeline,
        foreign: &dyn Fn(&str) -> Result<Rows<'a>>,
        limit: usize,
    ) -> Result<(Looked, Output)> {
        // What a first `$match` leaves out need not be looked at.
        let everything = Filter::default();
        let filter = pipeline.leading_filter().unwrap_or(&everything);
        let (plans, way) = self.all_rows(filter);
        let chosen = Box::new(way.candidates.map(|row| row.doc));
        let output = pipeline.run(chosen, foreign, limit)?;
        let looked = Looked {
            plans,
            keys: way.keys.get(),
            examined: output.examined,
        };
        Ok((looked, output))
    }
}

fn rows(table: &Table) -> Rows<'_> {
    Box::new(table.live().map(|(_, _, doc)| doc))
}
