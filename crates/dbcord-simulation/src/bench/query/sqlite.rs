//! SQLite's side: rows of JSON in memory, with indexes on expressions over them.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Result, Row, Statement, ToSql, params_from_iter};

use super::comparison::Contender;
use super::question::{Parameter, Question, Text};
use super::rows::Users;

/// A database that is asked with the text of each query, which it compiles, as dbcord does.
pub struct Sqlite<'c>(pub &'c Connection);

/// The same, with statements that are compiled once.
pub struct Compiled<'c> {
    connection: &'c Connection,
    statement: Option<(&'static str, Statement<'c>)>,
}

/// A database with the rows, and the indexes that dbcord has.
///
/// # Errors
/// What SQLite says.
pub fn open(users: &Users) -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch("CREATE TABLE users (id TEXT PRIMARY KEY, doc TEXT NOT NULL)")?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO users VALUES (?1, ?2)")?;
        for (key, doc) in users.rows() {
            insert.execute([key, doc])?;
        }
    }
    transaction.commit()?;
    connection.execute_batch(
        "CREATE UNIQUE INDEX users_email ON users (json_extract(doc, '$.email'));
         CREATE INDEX users_points ON users (json_extract(doc, '$.points'));
         ANALYZE;",
    )?;
    Ok(connection)
}

impl<'c> Compiled<'c> {
    pub fn new(connection: &'c Connection) -> Self {
        let statement = None;
        Compiled {
            connection,
            statement,
        }
    }

    fn ask(&mut self, question: &Question, text: &Text) -> Result<Vec<String>> {
        let statement = self.statement.take();
        let mut statement = match statement.filter(|(sql, _)| *sql == question.sql) {
            Some((_, statement)) => statement,
            None => self.connection.prepare(question.sql)?,
        };
        let answer = run(&mut statement, text);
        self.statement = Some((question.sql, statement));
        answer
    }
}

impl Contender for Sqlite<'_> {
    fn answer(&mut self, question: &Question, text: &Text) -> Vec<String> {
        let statement = self.0.prepare(question.sql);
        let answer = statement.and_then(|mut statement| run(&mut statement, text));
        answer.expect("SQLite answers")
    }
}

impl Contender for Compiled<'_> {
    fn answer(&mut self, question: &Question, text: &Text) -> Vec<String> {
        self.ask(question, text).expect("SQLite answers")
    }
}

fn run(statement: &mut Statement<'_>, text: &Text) -> Result<Vec<String>> {
    let rows = statement.query_map(params_from_iter(text.parameters()), read)?;
    rows.collect()
}

/// The document, or the number of rows.
fn read(row: &Row<'_>) -> Result<String> {
    Ok(match row.get_ref(0)? {
        ValueRef::Integer(number) => number.to_string(),
        value => value.as_str()?.to_owned(),
    })
}

impl ToSql for Parameter {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(match self {
            Parameter::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Parameter::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
        })
    }
}
