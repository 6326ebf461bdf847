//! The log channel: records under way and records in it, and the history that a reader makes of
//! what it is shown.

use std::fmt;

/// How the one history is found among all records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// The chain of predecessors back from the highest sequence number of the highest epoch.
    Chain,
    /// A plainer protocol: an epoch names only the sequence number that it began on, and voids what
    /// earlier epochs have beyond it.
    BaseNumber,
}

/// No record.
pub const NONE: u8 = u8::MAX;
pub const RECORDS: usize = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Place {
    /// Posted. It may get into the log at any time, or never.
    #[default]
    UnderWay,
    /// In the log; a read may miss it. Since when: in `takeover` for so many ticks; in `ownership`
    /// since so many waits had begun.
    InLog(u8),
    /// In the log, and every read shows it.
    Shown,
}

impl Place {
    pub fn is_under_way(self) -> bool {
        self == Place::UnderWay
    }

    /// Where a message is a tick later, if reads show it after so many.
    pub fn after_tick(self, shown_after: u8) -> Self {
        match self {
            Place::InLog(ticks) if ticks + 1 < shown_after => Place::InLog(ticks + 1),
            Place::InLog(_) => Place::Shown,
            elsewhere => elsewhere,
        }
    }
}

/// One message. Repeating a POST under its nonce makes no second one, and a second one with the
/// same content would be the same commit, so a record is posted once here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Record {
    pub epoch: u8,
    pub seq: u8,
    /// The write that it commits; 0 in an empty record.
    pub write: u8,
    /// The index of its predecessor: what (epoch, seq, crc) name in a real one.
    pub prev: u8,
    /// The object, or the deployment, that posted it.
    pub by: u8,
    /// How often the database had changed hands; only `takeover` counts that.
    pub term: u8,
    pub place: Place,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record {
            epoch, seq, write, ..
        } = self;
        match write {
            0 => write!(f, "({epoch},{seq} empty)"),
            _ => write!(f, "({epoch},{seq} w{write})"),
        }
    }
}

/// A list of writes in commit order, as octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Writes(pub u32);

impl Writes {
    pub fn then(self, write: u8) -> Self {
        match write {
            0 => self,
            _ => Writes(self.0 << 3 | u32::from(write)),
        }
    }

    pub fn contains(self, write: u8) -> bool {
        let mut rest = self.0;
        while rest != 0 {
            if rest & 7 == u32::from(write) {
                return true;
            }
            rest >>= 3;
        }
        false
    }

    pub fn has_any_of(self, set: u8) -> bool {
        (1..8).any(|write| set & 1 << write != 0 && self.contains(write))
    }

    /// Whether `other` is this list, or this list with more at its end.
    pub fn is_start_of(self, other: Writes) -> bool {
        let mut rest = other.0;
        while rest > self.0 {
            rest >>= 3;
        }
        rest == self.0
    }
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:o}", self.0);
        let names = digits
            .chars()
            .filter(|&digit| digit != '0')
            .map(|digit| format!("w{digit}"));
        write!(f, "[{}]", names.collect::<Vec<_>>().join(" "))
    }
}

/// The records, sorted, so that runs that differ only in who posted first end in the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Log {
    records: [Record; RECORDS],
    len: u8,
}

/// What a reader makes of what it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub head: u8,
    /// The records of the history, as bits.
    pub records: u16,
    pub writes: Writes,
}

impl Log {
    /// A log with one record, shown to all.
    pub fn new() -> Self {
        let mut records = [Record::default(); RECORDS];
        records[0] = Record {
            epoch: 1,
            seq: 1,
            write: 0,
            prev: NONE,
            by: 0,
            term: 0,
            place: Place::Shown,
        };
        Log { records, len: 1 }
    }

    pub fn get(&self, at: u8) -> &Record {
        &self.records[usize::from(at)]
    }

    pub fn all(&self) -> &[Record] {
        &self.records[..usize::from(self.len)]
    }

    pub fn len(&self) -> u8 {
        self.len
    }

    /// Adds a record under way. Indices from the returned one on move up by one: see [`moved_up`].
    pub fn add(&mut self, mut record: Record) -> u8 {
        assert!(
            usize::from(self.len) < RECORDS,
            "RECORDS is too small for these bounds"
        );
        let at = self.all().partition_point(|other| *other < record);
        let index = u8::try_from(at).unwrap();
        self.records.copy_within(at..usize::from(self.len), at + 1);
        self.len += 1;
        record.prev = moved_up(record.prev, index);
        self.records[at] = record;
        for (other, record) in self.records[..usize::from(self.len)].iter_mut().enumerate() {
            if other != at {
                record.prev = moved_up(record.prev, index);
            }
        }
        index
    }

    /// Takes away a record that will never be in the log. Indices above move down by one.
    pub fn remove(&mut self, at: u8) {
        let len = usize::from(self.len);
        self.records
            .copy_within(usize::from(at) + 1..len, usize::from(at));
        self.len -= 1;
        self.records[len - 1] = Record::default();
        for record in &mut self.records[..len - 1] {
            record.prev = moved_down(record.prev, at);
        }
    }

    pub fn put(&mut self, at: u8, place: Place) {
        self.records[usize::from(at)].place = place;
    }

    /// A tick passes; what has been in the log for `shown_after` ticks is shown by every read.
    pub fn age(&mut self, shown_after: u8) {
        self.move_all(|place| place.after_tick(shown_after));
    }

    /// Every read shows what was in the log when this wait began.
    pub fn show_before(&mut self, wait: u8) {
        self.move_all(|place| match place {
            Place::InLog(waits) if waits < wait => Place::Shown,
            elsewhere => elsewhere,
        });
    }

    fn move_all(&mut self, to: impl Fn(Place) -> Place) {
        for record in &mut self.records[..usize::from(self.len)] {
            record.place = to(record.place);
        }
    }

    /// All records in such a place, as bits.
    pub fn which(&self, is: impl Fn(Place) -> bool) -> u16 {
        let all = self.all().iter().enumerate();
        all.fold(0, |set, (at, record)| {
            set | u16::from(is(record.place)) << at
        })
    }

    pub fn highest_epoch(&self, shown: u16) -> u8 {
        self.of(shown)
            .map(|(_, record)| record.epoch)
            .max()
            .unwrap_or(0)
    }

    /// Two different records in the log under one name.
    pub fn has_twins(&self) -> bool {
        let names = self
            .all()
            .iter()
            .filter(|record| !record.place.is_under_way());
        let names: Vec<(u8, u8)> = names.map(|record| (record.epoch, record.seq)).collect();
        // Sorted by name, as the records are.
        names.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// The history in what is shown; none when a part of it is missing.
    pub fn history(&self, rule: History, shown: u16) -> Option<Reading> {
        match rule {
            History::Chain => self.chain(shown),
            History::BaseNumber => self.by_base_number(shown),
        }
    }

    fn of(&self, set: u16) -> impl Iterator<Item = (u8, &Record)> {
        let all = (0_u8..).zip(self.all());
        all.filter(move |(at, _)| set & 1 << at != 0)
    }

    fn chain(&self, shown: u16) -> Option<Reading> {
        // Of two records under one name either may win, since a checksum decides. The one with the
        // lower write is as bad as it gets: it is the one that was given up.
        let (head, _) = self
            .of(shown)
            .max_by_key(|(_, r)| (r.epoch, r.seq, u8::MAX - r.write, r.by))?;
        let mut newest_first = [0; RECORDS];
        let mut len = 0;
        let mut records = 0;
        let mut next = head;
        while next != NONE {
            if shown & 1 << next == 0 {
                return None;
            }
            records |= 1 << next;
            let record = self.get(next);
            newest_first[len] = record.write;
            len += 1;
            next = record.prev;
        }
        let oldest_first = newest_first[..len].iter().rev();
        let writes = oldest_first.fold(Writes::default(), |list, &write| list.then(write));
        Some(Reading {
            head,
            records,
            writes,
        })
    }

    fn by_base_number(&self, shown: u16) -> Option<Reading> {
        let mut reading = Reading {
            head: NONE,
            records: 0,
            writes: Writes::default(),
        };
        let highest = self.of(shown).map(|(_, record)| record.seq).max()?;
        let mut gap = false;
        for seq in 1..=highest {
            let counts = |at: u8, record: &Record| {
                record.seq == seq
                    && !self.of(shown).any(|(other, later)| {
                        other != at && later.epoch > record.epoch && self.base(other) < seq
                    })
            };
            match self.of(shown).find(|(at, record)| counts(*at, record)) {
                // Beyond the highest one that counts all are void; below it, one is missing.
                None => gap = true,
                Some(_) if gap => return None,
                Some((at, record)) => {
                    reading.head = at;
                    reading.records |= 1 << at;
                    reading.writes = reading.writes.then(record.write);
                }
            }
        }
        Some(reading)
    }

    /// The sequence number that the epoch of this record began on.
    fn base(&self, at: u8) -> u8 {
        let record = self.get(at);
        if record.prev == NONE {
            return 0;
        }
        match self.get(record.prev) {
            prev if prev.epoch == record.epoch => self.base(record.prev),
            prev => prev.seq,
        }
    }
}

/// Where an index points after a record was added at `at`.
pub fn moved_up(index: u8, at: u8) -> u8 {
    if index != NONE && index >= at {
        index + 1
    } else {
        index
    }
}

/// Where an index points after the record at `at` was removed.
pub fn moved_down(index: u8, at: u8) -> u8 {
    if index != NONE && index > at {
        index - 1
    } else {
        index
    }
}

/// All subsets, the fullest first.
pub fn subsets(of: u16) -> impl Iterator<Item = u16> {
    let mut next = Some(of);
    std::iter::from_fn(move || {
        let subset = next?;
        next = (subset != 0).then(|| (subset - 1) & of);
        Some(subset)
    })
}
