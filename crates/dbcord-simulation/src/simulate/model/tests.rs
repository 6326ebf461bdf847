//! What the rules of tables come to.

use super::*;
use crate::simulate::doc::{Field, Name};
use crate::simulate::operation::To;
use crate::simulate::place::{MEMBERS, TEAMS};
use crate::simulate::query::{Query, Scalar, Test};
use crate::simulate::rules::first_indexes;

const TEAM: Cell = Cell {
    table: TEAMS,
    key: 0,
};

fn member(key: u8) -> Cell {
    Cell {
        table: MEMBERS,
        key,
    }
}

fn run(database: &mut Database, command: Command) -> Answer {
    database.invoke(&Request { user: 7, command })
}

fn insert(cell: Cell, code: i16, team: Field) -> Change {
    let mut doc = Doc {
        v: 1,
        ..Doc::default()
    };
    doc.set(Name::Code, Field::Int(code));
    doc.set(Name::Team, team);
    Change {
        cell,
        action: Action::Put(Mode::Upsert, doc),
        if_rev: None,
    }
}

fn delete(cell: Cell) -> Command {
    Command::Change(Change {
        cell,
        action: Action::Delete { is_hard: false },
        if_rev: None,
    })
}

/// A team and two members of it. The seed says what happens to them when the team goes.
fn database(seed: u64) -> Database {
    let mut database = Database::default();
    let first = |table| Command::SetSchema {
        table,
        schema: Some(Schema::first(table, seed)),
        validate: Validate::Strict,
    };
    for command in [
        first(MEMBERS),
        Command::Change(insert(TEAM, 1, Field::Missing)),
        Command::Change(insert(member(0), 1, Field::Int(1))),
        Command::Change(insert(member(1), 2, Field::Text(3))),
        Command::MakeIndex {
            table: MEMBERS,
            index: 0,
        },
    ] {
        assert!(matches!(run(&mut database, command), Answer::Done(_)));
    }
    assert!(first_indexes(0).contains(&0));
    database
}

#[test]
fn members_go_with_their_team_or_lose_it_or_keep_it() {
    let mut cascading = database(0);
    assert_eq!(run(&mut cascading, delete(TEAM)), Answer::Done(Some(2)));
    assert_eq!(
        (cascading.live(MEMBERS).len(), cascading.rev(member(1))),
        (0, 2)
    );

    let mut clearing = database(1);
    assert_eq!(run(&mut clearing, delete(TEAM)), Answer::Done(Some(2)));
    let left = clearing.current(member(1)).expect("it stays");
    assert_eq!(left.field(Name::Team), Field::Null);

    let mut keeping = database(2);
    let before = keeping.clone();
    let kept = Answer::Refused(Refusal::Kept);
    assert_eq!(run(&mut keeping, delete(TEAM)), kept);
    assert_eq!(keeping, before);
    let dangling = Command::Change(insert(member(2), 3, Field::Int(2)));
    let unfit = Answer::Refused(Refusal::Unfit);
    assert_eq!(run(&mut keeping, dangling), unfit);
    assert_eq!(keeping, before);
    assert_eq!(keeping.broken_rule(), None);
}

#[test]
fn values_are_unique_once_a_transaction_is_done() {
    let mut database = database(0);
    let to = |key, to| Change {
        cell: member(key),
        action: Action::Patch(Patch {
            v: 1,
            balance: None,
            edit: Some(Edit {
                name: Name::Code,
                to,
            }),
        }),
        if_rev: None,
    };
    let [one, two] = [1, 2].map(|code| To::Set(Field::Int(code)));
    let in_two = Command::Transact(vec![to(0, two), to(1, one)]);
    let one_only = Command::Transact(vec![to(0, two)]);
    let clash = Answer::Refused(Refusal::Clash);
    assert_eq!(run(&mut database, one_only), clash);
    assert_eq!(run(&mut database, in_two.clone()), Answer::Done(None));
    let back = Command::Transact(vec![to(0, one), to(1, two)]);
    assert_eq!(run(&mut database, back), Answer::Done(None));
    let in_three = Command::Transact(vec![to(0, To::Unset), to(1, one), to(0, two)]);
    assert_eq!(run(&mut database, in_three), Answer::Done(None));
    // All at once, each passes through the other's.
    let more = Command::Many {
        table: MEMBERS,
        filter: Filter::All,
        edit: Some(Edit {
            name: Name::Code,
            to: To::Inc(-1),
        }),
        expect: Some(2),
    };
    assert_eq!(run(&mut database, more), Answer::Done(Some(2)));
}

#[test]
fn questions_are_answered() {
    let database = database(0);
    let count = |name, test| {
        let filter = Filter::Is(name, test);
        let plain = Query::Count(filter.clone());
        let counted = database.answer(MEMBERS, &plain).map(|found| found.count);
        let disguised = database.answer(MEMBERS, &plain.in_disguise());
        assert_eq!(disguised.map(|found| found.count), counted);
        counted
    };
    let low = Some((Scalar::Int(1), false));
    assert_eq!(count(Name::Code, Test::Range(low, None)), Some(1));
    assert_eq!(count(Name::Team, Test::Eq(Scalar::Int(1))), Some(1));
    assert_eq!(count(Name::Team, Test::Eq(Scalar::Text("1"))), Some(1));
    assert_eq!(count(Name::Role, Test::Eq(Scalar::Null)), Some(2));
    assert_eq!(count(Name::Role, Test::Exists(true)), Some(0));
}
