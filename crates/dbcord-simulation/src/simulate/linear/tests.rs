//! What can be explained, and what cannot.

use fastrand::Rng;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::*;
use crate::simulate::answer::{By, Content, Refusal, Told};
use crate::simulate::doc::Doc;
use crate::simulate::operation::{Action, Change, Mode};
use crate::simulate::place::LASTING;

const A: Cell = Cell { table: 0, key: 0 };
const B: Cell = Cell { table: 1, key: 0 };

fn doc(v: u64) -> Doc {
    Doc {
        v,
        ..Doc::default()
    }
}

fn put(cell: Cell, v: u64) -> Change {
    Change {
        cell,
        action: Action::Put(Mode::Upsert, doc(v)),
        if_rev: None,
    }
}

fn apply(database: &mut Database, change: Change) -> Result<(), Refusal> {
    let name = Command::Change(change).name();
    database.apply(Some((7, name)), &[change])
}

fn row(rev: u64, v: u64) -> Answer {
    Answer::Row {
        rev,
        doc: Some(doc(v)),
    }
}

/// Calls by client, command, moments and answer; no answer is an unknown outcome.
fn calls(list: &[(usize, Command, u64, u64, Option<Answer>)]) -> Vec<Call> {
    let call = |(client, command, invoked, returned, answer): &(
        usize,
        Command,
        u64,
        u64,
        Option<Answer>,
    )| Call {
        client: *client,
        user: 7,
        command: command.clone(),
        invoked: *invoked,
        returned: answer.clone().map(|answer| (*returned, answer)),
    };
    list.iter().map(call).collect()
}

fn is_possible(list: &[(usize, Command, u64, u64, Option<Answer>)]) -> bool {
    matches!(
        check(&Database::default(), &calls(list)),
        Verdict::Linearizable(_)
    )
}

#[test]
fn an_acknowledged_write_is_seen_by_every_later_read() {
    let write = Command::Change(put(A, 1));
    let seen = |answer, invoked| {
        is_possible(&[
            (0, write.clone(), 1, 4, Some(Answer::Done(Some(1)))),
            (1, Command::Get(A), invoked, 6, Some(answer)),
        ])
    };
    assert!(seen(row(1, 1), 5));
    assert!(!seen(Answer::Absent(0), 5), "it was acknowledged before");
    assert!(seen(Answer::Absent(0), 2), "they overlap");
    assert!(!seen(row(1, 9), 5), "nobody wrote that");
}

#[test]
fn an_unknown_write_happens_at_any_time_or_never_but_does_not_unhappen() {
    let write = Command::Change(put(A, 1));
    let then = |first: Answer, second: Answer| {
        is_possible(&[
            (0, write.clone(), 1, 2, None),
            (1, Command::Get(A), 3, 4, Some(first)),
            (1, Command::Get(A), 5, 6, Some(second)),
        ])
    };
    assert!(then(Answer::Absent(0), Answer::Absent(0)) && then(Answer::Absent(0), row(1, 1)));
    assert!(!then(row(1, 1), Answer::Absent(0)));
    let list = [
        (0, write.clone(), 1, 2, None),
        (1, Command::Get(A), 3, 4, Some(Answer::Absent(0))),
    ];
    let Verdict::Linearizable(Window { after, open, .. }) =
        check(&Database::default(), &calls(&list))
    else {
        panic!("it may still happen")
    };
    assert_eq!((after, open.len()), (Database::default(), 1));
    // Also where an order is found in which it happens last.
    let late = Command::Transact(vec![put(A, 2), put(B, 2)]);
    let list = [
        (0, write.clone(), 1, 4, Some(Answer::Done(Some(1)))),
        (1, late, 3, 4, None),
        (0, Command::Get(A), 5, 6, Some(row(1, 1))),
        (0, Command::Get(B), 7, 8, Some(Answer::Absent(0))),
    ];
    let Verdict::Linearizable(Window { after, open, .. }) =
        check(&Database::default(), &calls(&list))
    else {
        panic!("it may still happen")
    };
    assert_eq!((after.current(B), open.len()), (None, 1));
    // And where it comes before something of unknown outcome that somebody did see.
    let both = Command::Transact(vec![put(A, 1), put(B, 1)]);
    let list = [
        (0, both, 1, 2, Some(Answer::Done(None))),
        (1, Command::Change(put(A, 2)), 3, 4, None),
        (2, Command::Change(put(B, 3)), 5, 6, None),
        (0, Command::Get(A), 7, 8, Some(row(1, 1))),
        (0, Command::Get(B), 9, 10, Some(row(2, 3))),
    ];
    let Verdict::Linearizable(Window { after, open, .. }) =
        check(&Database::default(), &calls(&list))
    else {
        panic!("it may still happen")
    };
    assert_eq!(
        (after.current(A), after.current(B)),
        (Some(doc(1)), Some(doc(3)))
    );
    assert_eq!(open.len(), 1);
}

#[test]
fn a_deletion_tells_what_came_before_it() {
    let delete = Command::Change(Change {
        cell: A,
        action: Action::Delete { is_hard: false },
        if_rev: None,
    });
    let after = |rev| {
        let list = [
            (
                0,
                Command::Change(put(A, 1)),
                1,
                2,
                Some(Answer::Done(Some(1))),
            ),
            (1, Command::Change(put(A, 2)), 3, 4, None),
            (2, delete.clone(), 5, 6, None),
            (0, Command::Get(A), 7, 8, Some(Answer::Absent(rev))),
        ];
        match check(&Database::default(), &calls(&list)) {
            Verdict::Linearizable(Window { after, open, .. }) => (after.rev(A), open.len()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((after(2), after(3)), ((2, 1), (3, 0)));
}

#[test]
fn what_was_said_not_to_be_written_is_never_there() {
    let write = Command::Change(put(A, 1));
    assert!(!is_possible(&[
        (0, write, 1, 2, Some(Answer::NotWritten)),
        (1, Command::Get(A), 3, 4, Some(row(1, 1))),
    ]));
}

#[test]
fn half_a_transaction_is_none() {
    let transact = Command::Transact(vec![put(A, 1), put(B, 1)]);
    let seen = |of_b| {
        is_possible(&[
            (0, transact.clone(), 1, 2, None),
            (1, Command::Get(A), 3, 4, Some(row(1, 1))),
            (2, Command::Get(B), 5, 6, Some(of_b)),
        ])
    };
    assert!(seen(row(1, 1)));
    assert!(!seen(Answer::Absent(0)));
}

#[test]
fn revisions_go_on_after_a_deletion() {
    let delete = Change {
        cell: A,
        action: Action::Delete { is_hard: false },
        if_rev: Some(1),
    };
    let again = |rev| {
        is_possible(&[
            (
                0,
                Command::Change(put(A, 1)),
                1,
                2,
                Some(Answer::Done(Some(1))),
            ),
            (
                0,
                Command::Change(delete),
                3,
                4,
                Some(Answer::Done(Some(2))),
            ),
            (
                0,
                Command::Change(put(A, 2)),
                5,
                6,
                Some(Answer::Done(Some(rev))),
            ),
        ])
    };
    assert!(again(3));
    assert!(!again(1));
}

#[test]
fn what_is_restored_is_a_revision_with_a_document() {
    let change = |action| Change {
        cell: A,
        action,
        if_rev: None,
    };
    let mut database = Database::default();
    for action in [
        Action::Put(Mode::Insert, doc(1)),
        Action::Delete { is_hard: false },
        Action::Put(Mode::Insert, doc(2)),
    ] {
        apply(&mut database, change(action)).unwrap();
    }
    let restored = |to, database: &mut Database| apply(database, change(Action::Restore(to)));
    assert_eq!(
        restored(2, &mut database),
        Err(Refusal::Missing),
        "a deletion"
    );
    assert_eq!(restored(3, &mut database), Err(Refusal::SameRevision));
    assert_eq!(restored(4, &mut database), Err(Refusal::Missing));
    apply(&mut database, change(Action::Delete { is_hard: false })).unwrap();
    assert_eq!(restored(4, &mut database), Err(Refusal::Missing));
    assert_eq!(restored(1, &mut database), Ok(()));
    assert_eq!(database.read(A), row(5, 1));
}

#[test]
fn a_table_that_is_dropped_takes_its_rows_along_and_a_renamed_one_keeps_them() {
    let [drafts, notes] = [LASTING, LASTING + 1].map(|table| Cell { table, key: 0 });
    let mut database = Database::default();
    let mut run = |command| {
        let answer = database.invoke(&Request { user: 7, command });
        (answer, database.clone())
    };
    let create = Command::Create {
        table: LASTING,
        is_shown: true,
    };
    let missing = Answer::Refused(Refusal::NoTable);
    assert_eq!(run(Command::Change(put(drafts, 1))).0, missing);
    assert_eq!(run(create.clone()).0, Answer::Done(None));
    assert_eq!(run(create.clone()).0, Answer::Refused(Refusal::TableTaken));
    assert_eq!(
        run(Command::Change(put(drafts, 1))).0,
        Answer::Done(Some(1))
    );
    assert_eq!(
        run(Command::Rename {
            table: LASTING,
            to: LASTING + 1
        })
        .0,
        Answer::Done(None)
    );
    assert_eq!(run(Command::Get(drafts)).0, missing);
    assert_eq!(run(Command::Get(notes)).0, row(1, 1));
    assert_eq!(run(Command::Drop(LASTING + 1)).0, Answer::Done(Some(1)));
    assert_eq!(
        run(Command::Rename {
            table: LASTING + 1,
            to: LASTING
        })
        .0,
        missing
    );
    assert_eq!(run(create).0, Answer::Done(None));
    assert_eq!(run(Command::Get(drafts)).0, Answer::Absent(0));
}

#[test]
fn a_history_tells_what_was_and_nothing_from_before_a_deletion_for_good() {
    let delete = Change {
        cell: A,
        action: Action::Delete { is_hard: true },
        if_rev: None,
    };
    let told = |rev, content, command: &str| Told {
        rev,
        commit: rev,
        content,
        by: Some(By {
            user: 7,
            command: command.to_owned(),
            at: rev,
        }),
    };
    let third = told(3, Content::Is(doc(3)), "dbc_insert");
    let gone = told(2, Content::DeletedForGood, "dbc_delete");
    let first = told(1, Content::Is(doc(1)), "dbc_insert");
    let mut database = Database::default();
    for change in [put(A, 1), delete, put(A, 3)] {
        apply(&mut database, change).unwrap();
    }
    let tells = |database: &Database, past: &[&Told]| {
        let past = past.iter().map(|told| (*told).clone()).collect();
        let command = Command::Past(A);
        database
            .clone()
            .answers(&Request { user: 7, command }, &Answer::Past(past))
    };
    assert!(tells(&database, &[&third, &gone]) && tells(&database, &[&third]));
    assert!(!tells(&database, &[&gone]), "not the newest");
    let others = told(3, Content::Is(doc(3)), "dbc_update");
    assert!(!tells(&database, &[&others]), "not the command");
    assert!(!tells(&database, &[&third, &gone, &first]));
    let forgetful = {
        database.forget();
        &database
    };
    assert!(tells(forgetful, &[&third, &gone]));
    assert!(!tells(forgetful, &[&third, &gone, &first]), "also later");
}

#[test]
fn how_a_table_was_made_is_in_doubt_where_nobody_was_told_of_another_making() {
    let create = |is_shown| Command::Create {
        table: LASTING,
        is_shown,
    };
    let told = (0, create(true), 1, 2, Some(Answer::Done(None)));
    let renamed = (
        0,
        Command::Rename {
            table: LASTING,
            to: LASTING + 1,
        },
        5,
        6,
        None,
    );
    let shown_after = |list: &[(usize, Command, u64, u64, Option<Answer>)]| {
        let mut database = Database::default();
        database.invoke(&Request {
            user: 7,
            command: create(true),
        });
        database.doubt_how_tables_were_made(&calls(list));
        assert_eq!(database.tables[&0].is_shown, Some(true), "never made anew");
        database.tables[&LASTING].is_shown
    };
    assert_eq!(shown_after(&[told.clone(), renamed]), Some(true));
    let alike = (1, create(true), 3, 4, None);
    assert_eq!(shown_after(&[told.clone(), alike]), Some(true));
    let other = (1, create(false), 3, 4, None);
    assert_eq!(shown_after(&[told.clone(), other]), None);
    let refused = Some(Answer::Refused(Refusal::TableTaken));
    let other = (1, create(false), 3, 4, refused);
    assert_eq!(shown_after(&[told, other]), Some(true));
}

impl SequentialSpec for Database {
    type Op = Request;
    type Ret = Answer;

    fn invoke(&mut self, request: &Request) -> Answer {
        Database::invoke(self, request)
    }

    fn is_valid_step(&mut self, request: &Request, answer: &Answer) -> bool {
        self.answers(request, answer)
    }
}

/// What another checker says.
fn is_possible_to_stateright(calls: &[Call]) -> bool {
    let mut moments = std::collections::BTreeMap::new();
    for (index, call) in calls.iter().enumerate() {
        // What is unknown may happen at any time later, so that each needs a thread of its own.
        let thread = if call.is_unknown() {
            100 + index
        } else {
            call.client
        };
        moments.insert(call.invoked, (thread, index, None));
        if let Some((returned, answer)) = &call.returned {
            moments.insert(*returned, (thread, index, Some(answer.clone())));
        }
    }
    let mut tester = LinearizabilityTester::new(Database::default());
    for (thread, index, answer) in moments.into_values() {
        let recorded = match answer {
            None => tester.on_invoke(thread, calls[index].request()),
            Some(answer) => tester.on_return(thread, answer),
        };
        recorded.expect("a client has one operation at a time");
    }
    tester.serialized_history().is_some()
}

/// A few clients at two rows, with answers that are true at some moment of each call, but for some that are
/// not.
fn draw_calls(rng: &mut Rng) -> Vec<Call> {
    let mut state = Database::default();
    let mut calls: Vec<Call> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let (mut moment, mut v) = (0, 0);
    for _ in 0..rng.usize(4..24) {
        moment += 1;
        let busy = |open: &[usize], calls: &[Call], client| {
            open.iter().any(|at| calls[*at].client == client)
        };
        let client = rng.usize(..4);
        if busy(&open, &calls, client) {
            let at = open.swap_remove(rng.usize(..open.len()));
            let call = &mut calls[at];
            let mut answer = Database::invoke(&mut state, &call.request());
            if rng.u8(..12) == 0 {
                answer =
                    [Answer::Absent(0), row(1, v), Answer::Done(Some(2))][rng.usize(..3)].clone();
            }
            if call.command.is_read() || rng.u8(..6) != 0 {
                call.returned = Some((moment, answer));
            } else {
                // Nobody hears of it, and its client goes on.
                call.client += 10 + at;
            }
            continue;
        }
        v += 1;
        let cell = [A, B][rng.usize(..2)];
        let command = match rng.u8(..6) {
            0..3 => Command::Get(cell),
            3 => Command::Transact(vec![put(A, v), put(B, v)]),
            _ => Command::Change(put(cell, v)),
        };
        open.push(calls.len());
        calls.push(Call {
            client,
            user: 7,
            command,
            invoked: moment,
            returned: None,
        });
    }
    // Reads that are under way say nothing.
    calls.retain(|call| !call.is_void());
    calls
}

#[test]
fn another_checker_comes_to_the_same_verdicts() {
    let mut rng = Rng::with_seed(7);
    let mut possible = 0;
    for round in 0..3_000 {
        let calls = draw_calls(&mut rng);
        let all: Vec<&Call> = calls.iter().collect();
        let found = explain(&Database::default(), &all);
        let is_found = found.is_ok();
        assert!(!matches!(found, Err(Unexplained::GivenUp)), "round {round}");
        let other = is_possible_to_stateright(&calls);
        assert_eq!(is_found, other, "round {round}: {calls:#?}");
        possible += usize::from(is_found);
    }
    assert!(
        (1_000..2_900).contains(&possible),
        "{possible} are possible"
    );
}
