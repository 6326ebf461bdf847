//! The steps of a counterexample in words.

use super::protocol::Step;
use super::state::{Phase, State};

pub fn tell(before: &State, step: &Step, after: &State) -> String {
    match *step {
        Step::Load(object) => format!("object {object} loads the floor, without claiming"),
        Step::Claim(object) => {
            let was = before.objects[usize::from(object)];
            let is = after.objects[usize::from(object)];
            let why = match was.phase {
                Phase::Unborn => "starts",
                Phase::Posted => "gives up its POST",
                _ => "is done reading",
            };
            let then = outcome(after, object);
            format!("object {object} {why} and claims epoch {}{then}", is.epoch)
        }
        Step::Wait(object, surfaced) => {
            let surfaced = names(before, surfaced);
            format!("object {object} has waited 60 s; in the log meanwhile: {surfaced}")
        }
        Step::Read { object, shown } => {
            let missed = before.log.which(|place| !place.is_under_way()) & !shown;
            let missed = match missed {
                0 => String::new(),
                missed => format!(", missing {}", names(before, missed)),
            };
            let shown = names(before, shown);
            let then = outcome(after, object);
            format!("object {object} reads {shown}{missed}{then}")
        }
        Step::Write(object) => format!("object {object} writes{}", outcome(after, object)),
        Step::Refused(object) => {
            let posted = before.objects[usize::from(object)].posted;
            let record = before.log.get(posted);
            format!("Discord refuses {record} of object {object}: nothing was written")
        }
        Step::GoOn(object) => {
            format!("object {object} gets no answer to its POST, and goes on in the same epoch")
        }
        Step::Surface(at) => format!("{} gets into the log", before.log.get(at)),
        Step::StoreUnheard(object) => {
            let record = after.log.get(after.storage.floor);
            format!("{record} is stored, and object {object} does not hear of it")
        }
        Step::Commit(object) => {
            let me = after.objects[usize::from(object)];
            let record = after.log.get(me.head);
            let denied = denied(before, after);
            format!(
                "object {object} stores {record} and serves {}{denied}",
                me.list
            )
        }
        Step::Tell(object) => {
            let posted = before.objects[usize::from(object)].posted;
            let record = before.log.get(posted);
            let served = after.promises.served;
            format!("object {object} acknowledges {record} and serves {served}")
        }
        Step::Wipe => "object storage is wiped".to_owned(),
    }
}

fn outcome(after: &State, object: u8) -> String {
    let me = after.objects[usize::from(object)];
    match me.phase {
        Phase::Waiting => ", over wiped storage".to_owned(),
        Phase::Reading if me.wait != 0 => format!(", and claims epoch {}", me.epoch),
        Phase::Hot => format!(", and serves {}", me.list),
        Phase::Posted => {
            let record = after.log.get(me.posted);
            let head = after.log.get(record.prev);
            format!(", and posts {record} on {head}")
        }
        Phase::Dead => ", and posts on what it knows; it was replaced".to_owned(),
        _ => String::new(),
    }
}

fn denied(before: &State, after: &State) -> String {
    let new = after.promises.denied & !before.promises.denied;
    let names = (1..8).filter(|write| new & 1 << write != 0);
    let names: Vec<String> = names.map(|write| format!("w{write}")).collect();
    match names.len() {
        0 => String::new(),
        _ => format!("; of {} it says that nothing was written", names.join(", ")),
    }
}

fn names(state: &State, set: u16) -> String {
    let all = (0_u8..).zip(state.log.all());
    let names = all.filter(|(at, _)| set & 1 << at != 0);
    let names: Vec<String> = names.map(|(_, record)| record.to_string()).collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(" ")
    }
}
