//! From a heap of records to the one history among them.

use std::collections::{BTreeSet, HashMap};

use super::record::{CommitId, Link, Record};

/// So many missing commits in a row are named.
const NAMED: usize = 10;

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
    chain_from(records, head, unusable)
}

fn chain_from(
    records: &HashMap<Link, Entry>,
    head: Option<Link>,
    unusable: &BTreeSet<Link>,
) -> Chain {
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

/// What a log proves from which commits are gone: the newest chain below all that is missing, and the
/// numbers of what is, newest first. `missing` is the first that is known of. None where nothing is left.
pub fn chain_below(
    records: &HashMap<Link, Entry>,
    unusable: &BTreeSet<Link>,
    mut missing: CommitId,
) -> Option<(Chain, Vec<u64>)> {
    let mut named = Vec::new();
    let mut above = chain(records, unusable);
    loop {
        // Its predecessor has the number before, and of several with that number - writers that were
        // replaced leave some - the highest epoch.
        let is_before = |link: &Link| link.id < missing && link.id.seq() < missing.seq();
        let below = records.keys().copied().filter(is_before);
        let head = below.max_by_key(|link| (link.id.seq(), link.id, link.crc));
        // The checkpoint above has everything up to here, also where that went from the log.
        let checkpoint = above.checkpoint;
        let covered = checkpoint.and_then(|link| covered_by(records, &link));
        let covered = covered.filter(|covered| covered.id < missing);
        let known = head
            .map(|head| head.id)
            .max(covered.map(|covered| covered.id));
        let from = known.map_or(0, |known| known.seq()) + 1;
        named.extend((from..=missing.seq()).rev().take(NAMED));
        let mut chain = match covered {
            Some(covered) => walk(records, head, Some(covered)),
            None => chain_from(records, Some(head?), unusable),
        };
        match (chain.end, covered) {
            (End::Missing { wanted, .. }, covered)
                if covered.is_none_or(|covered| wanted > covered.id) =>
            {
                missing = wanted;
                if covered.is_none() {
                    above = chain;
                }
            }
            (_, None) => return Some((chain, named)),
            (_, Some(covered)) => {
                let oldest = chain.links.last().and_then(|link| records.get(link));
                if oldest.is_none_or(|oldest| oldest.record.prev != Some(covered)) {
                    // Nothing after it, or what is void.
                    chain.links.clear();
                }
                (chain.checkpoint, chain.end) = (checkpoint, End::Covered);
                return Some((chain, named));
            }
        }
    }
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
    use crate::engine::checkpoint::text_file::TextRef;
    use crate::engine::log::Op;
    use crate::engine::log::record::VERSION;
    use proptest::prelude::*;
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
            manifest: ManifestRef::Text(TextRef {
                messages: vec![],
                sum: FileSum(0),
                bytes: 0,
            }),
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

    /// A history, of which some records are gone and some are checkpoints, among what replaced writers
    /// left.
    fn damaged_log() -> impl Strategy<Value = Vec<(u64, Option<usize>, bool, bool)>> {
        let record = (
            0u64..2,
            proptest::option::of(0usize..4),
            any::<bool>(),
            0u8..4,
        );
        let record = record.prop_map(|(step, back, has_void, luck)| {
            (step, back.filter(|_| luck > 1), has_void, luck == 0)
        });
        proptest::collection::vec(record, 1..14)
    }

    proptest! {
        #[test]
        fn what_is_below_a_gap_is_the_newest_state_that_can_be_proven(log in damaged_log()) {
            let mut chain_of: Vec<Entry> = Vec::new();
            let mut voids = Vec::new();
            let mut covers: Vec<Option<usize>> = Vec::new();
            let mut epoch = 10;
            for (at, (step, back, has_void, _)) in log.iter().enumerate() {
                let (prev, seq) = (chain_of.last(), at as u64 + 1);
                // A writer that was replaced goes on unaware.
                if *has_void && *step > 0 {
                    let first = entry(epoch, seq, prev, 500);
                    voids.push(entry(epoch, seq + 1, Some(&first), 501));
                    voids.push(first);
                }
                epoch += step;
                let mut next = entry(epoch, seq, prev, 100 + seq);
                let newest = covers.iter().flatten().max();
                let covered = back.and_then(|back| at.checked_sub(back + 1));
                let covered = covered.filter(|covered| Some(covered) >= newest);
                if let Some(covered) = covered {
                    next = checkpoint(next, &chain_of[covered]);
                }
                covers.push(covered);
                chain_of.push(next);
            }
            let is_there = |at: usize| !log[at].3;
            let kept = chain_of.iter().enumerate().filter(|(at, _)| is_there(*at));
            let kept = kept.map(|(_, entry)| entry.clone());
            // Without two records in a row, nobody can tell what is left there from what is void.
            voids.retain(|void| {
                let at = void.link.id.seq() as usize - 1;
                [at, at + 1].into_iter().any(|at| at < log.len() && is_there(at))
            });
            let records = found(kept.chain(voids));
            let usable = BTreeSet::new();
            let End::Missing { wanted, .. } = chain(&records, &usable).end else {
                return Ok(());
            };
            // Whatever a void head says.
            let Some(gap) = chain_of.iter().position(|entry| entry.link.id == wanted) else {
                return Ok(());
            };
            let whole = |from: usize, to: usize| (from..to).all(is_there);
            let bases = (0..log.len()).filter(|at| is_there(*at)).filter_map(|at| covers[at]);
            let bases: Vec<usize> = bases.map(|covered| covered + 1).chain([0]).collect();
            let best = (0..=gap).rev().find_map(|to| {
                let mut bases = bases.iter().filter(|&&from| from <= to && whole(from, to));
                Some(to).filter(|_| bases.next().is_some())
            });
            let best = best.unwrap_or_default();
            match chain_below(&records, &usable, wanted) {
                None => prop_assert_eq!(best, 0),
                Some((chain, missing)) => {
                    let covered = chain.checkpoint.and_then(|link| covered_by(&records, &link));
                    let head = chain.links.first().copied().or(covered);
                    prop_assert_eq!(head, best.checked_sub(1).map(|at| chain_of[at].link));
                    let from = covered.map_or(0, |covered| covered.id.seq()) + 1;
                    let links = chain.links.iter().rev().map(|link| link.id.seq());
                    prop_assert!(links.eq(from..=best as u64), "{:?}", chain);
                    prop_assert!(missing.windows(2).all(|pair| pair[0] > pair[1]), "{:?}", missing);
                    prop_assert_eq!(missing.first(), Some(&wanted.seq()));
                    for seq in missing {
                        prop_assert!(!is_there(seq as usize - 1), "{}", seq);
                    }
                }
            }
        }
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
