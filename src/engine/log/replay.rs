//! From a heap of records to the one history among them.

use std::collections::{BTreeSet, HashMap};

use super::record::{CommitId, Link, Record};

/// A record as it was found in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub record: Record,
    pub link: Link,
    pub message: u64,
}

/// Commits one after the other, and what is before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Newest first.
    pub links: Vec<Link>,
    /// The newest checkpoint among them.
    pub checkpoint: Option<Link>,
    pub end: End,
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the first commit.
    Beginning,
    /// What is before is covered by the checkpoint.
    Covered,
    /// `after` names a predecessor that is not there.
    Missing { after: CommitId, wanted: CommitId },
}

/// The history: the chain of predecessors back from the highest sequence number of the highest
/// epoch, as far back as the newest checkpoint makes necessary. All other records are void - the
/// leftovers of writers that were replaced. Message ids play no part: Discord's order of nearly
/// simultaneous messages is not commit order. Checkpoints in `unusable` count for nothing.
pub fn chain(records: &HashMap<Link, Entry>, unusable: &BTreeSet<Link>) -> Chain {
    let head = records
        .keys()
        .copied()
        .max_by_key(|link| (link.id, link.crc));
    let mut chain = walk(records, head, None);
    let newest = chain
        .links
        .iter()
        .position(|link| !unusable.contains(link) && covered_by(records, link).is_some());
    if let Some(at) = newest
        && let Some(&checkpoint) = chain.links.get(at)
    {
        chain.checkpoint = Some(checkpoint);
        let covered = covered_by(records, &checkpoint);
        if let Some(end) = chain.links.iter().position(|link| Some(*link) == covered) {
            chain.links.truncate(end);
            chain.end = End::Covered;
        } else if let End::Missing { wanted, .. } = chain.end
            && covered.is_some_and(|covered| covered.id == wanted)
        {
            chain.end = End::Covered;
        }
    }
    chain
}

/// The chain back from `head`, whatever checkpoints there are, down to and without `until`.
pub fn walk(records: &HashMap<Link, Entry>, head: Option<Link>, until: Option<Link>) -> Chain {
    follow(records, head, until, false)
}

/// All of the chain, past records that are gone because they had a row in them that was deleted for
/// good. What it tells of rows has holes then.
pub fn walk_past_gaps(records: &HashMap<Link, Entry>, head: Option<Link>) -> Chain {
    follow(records, head, None, true)
}

fn follow(
    records: &HashMap<Link, Entry>,
    head: Option<Link>,
    until: Option<Link>,
    past_gaps: bool,
) -> Chain {
    let mut gaps: HashMap<Link, Option<Link>> = HashMap::new();
    let mut chain = Chain {
        links: Vec::new(),
        checkpoint: None,
        end: End::Beginning,
    };
    let mut next = head;
    while let Some(link) = next.filter(|link| Some(*link) != until) {
        let Some(entry) = records.get(&link) else {
            // Each is noted once, so that a forged circle ends here, too.
            if let Some(before) = gaps.remove(&link).filter(|_| past_gaps) {
                next = before;
                continue;
            }
            let after = chain.links.last().map_or(link.id, |after| after.id);
            chain.end = End::Missing {
                after,
                wanted: link.id,
            };
            break;
        };
        chain.links.push(link);
        gaps.extend(entry.record.gaps());
        // Predecessors have lower numbers; a forged circle would have no end.
        let lower = |prev: &Link| prev.id < link.id;
        next = entry.record.prev.filter(lower);
    }
    chain
}

/// The commit up to which a checkpoint covers the state, if this is one.
fn covered_by(records: &HashMap<Link, Entry>, link: &Link) -> Option<Link> {
    records.get(link)?.record.checkpoint().map(|(head, _)| head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::checkpoint::file_sum::FileSum;
    use crate::engine::checkpoint::manifest::ManifestRef;
    use crate::engine::log::Op;
    use crate::engine::log::record::VERSION;
    use std::collections::BTreeMap;

    fn entry(epoch: u64, seq: u64, prev: Option<&Entry>, message: u64) -> Entry {
        let record = Record {
            v: VERSION,
            epoch,
            seq,
            prev: prev.map(|prev| prev.link),
            at: 0,
            by: vec![],
            ops: vec![],
            sum: BTreeMap::new(),
        };
        let link = Link {
            id: record.id(),
            crc: (epoch * 1_000 + seq) as u32,
        };
        Entry {
            record,
            link,
            message,
        }
    }

    fn ids(history: &Chain) -> Vec<(u64, u64)> {
        let links = history.links.iter();
        links.map(|link| (link.id.0, link.id.1)).collect()
    }

    fn checkpoint(mut entry: Entry, covered: &Entry) -> Entry {
        entry.record.ops = vec![Op::Checkpoint {
            head: covered.link,
            manifest: ManifestRef::Text {
                messages: vec![],
                sum: FileSum(0),
                bytes: 0,
            },
        }];
        entry
    }

    fn found(entries: impl IntoIterator<Item = Entry>) -> HashMap<Link, Entry> {
        entries
            .into_iter()
            .map(|entry| (entry.link, entry))
            .collect()
    }

    #[test]
    fn a_late_record_of_a_replaced_writer_is_void() {
        let first = entry(10, 1, None, 100);
        let second = entry(20, 2, Some(&first), 101);
        // Epoch 10 went on unaware, and its message even arrived last.
        let late = entry(10, 2, Some(&first), 102);
        let later = entry(10, 3, Some(&late), 103);
        let history = chain(&found([late, later, second, first]), &BTreeSet::new());
        assert_eq!(ids(&history), [(20, 2), (10, 1)]);
        assert_eq!(history.end, End::Beginning);
    }

    #[test]
    fn message_order_plays_no_part() {
        let first = entry(10, 1, None, 105);
        let second = entry(10, 2, Some(&first), 103);
        let third = entry(10, 3, Some(&second), 104);
        let history = chain(&found([third, first, second]), &BTreeSet::new());
        assert_eq!(ids(&history), [(10, 3), (10, 2), (10, 1)]);
    }

    #[test]
    fn a_missing_link_is_named() {
        let first = entry(10, 1, None, 100);
        let second = entry(10, 2, Some(&first), 101);
        let third = entry(10, 3, Some(&second), 102);
        let missing = End::Missing {
            after: CommitId(10, 3),
            wanted: CommitId(10, 2),
        };
        assert_eq!(chain(&found([first, third]), &BTreeSet::new()).end, missing);
        assert_eq!(chain(&HashMap::new(), &BTreeSet::new()).links, []);
    }

    #[test]
    fn what_goes_on_past_a_gap_is_followed_where_that_is_wanted() {
        let first = entry(10, 1, None, 100);
        let second = entry(10, 2, Some(&first), 101);
        let third = entry(10, 3, Some(&second), 102);
        let mut fourth = entry(10, 4, Some(&third), 103);
        let gaps = vec![(second.link, Some(first.link))];
        let up_to = CommitId::default();
        fourth.record.ops = vec![Op::Erased { up_to, gaps }];
        let head = Some(fourth.link);
        let records = found([first, third.clone(), fourth.clone()]);
        let all = walk_past_gaps(&records, head);
        assert_eq!(ids(&all), [(10, 4), (10, 3), (10, 1)]);
        assert_eq!(all.end, End::Beginning);
        assert!(matches!(
            walk(&records, head, None).end,
            End::Missing { .. }
        ));
        let records = found([third, fourth]);
        assert!(matches!(
            walk_past_gaps(&records, head).end,
            End::Missing { .. }
        ));
    }

    #[test]
    fn what_the_newest_checkpoint_covers_is_not_needed() {
        let first = entry(10, 1, None, 100);
        let second = entry(10, 2, Some(&first), 101);
        // Taken while commits went on: it covers the first, and stands after the second.
        let checkpoint = checkpoint(entry(10, 3, Some(&second), 102), &first);
        let last = entry(10, 4, Some(&checkpoint), 103);
        let all = [
            first.clone(),
            second.clone(),
            checkpoint.clone(),
            last.clone(),
        ];
        let without_first = [second.clone(), checkpoint.clone(), last.clone()];
        for records in [found(all), found(without_first)] {
            let history = chain(&records, &BTreeSet::new());
            assert_eq!(ids(&history), [(10, 4), (10, 3), (10, 2)]);
            assert_eq!(history.end, End::Covered);
            assert_eq!(history.checkpoint, Some(checkpoint.link));
        }
        let without_second = chain(&found([first, checkpoint, last]), &BTreeSet::new());
        assert!(matches!(without_second.end, End::Missing { .. }));
    }
}
