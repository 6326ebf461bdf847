//! From a heap of records to the one history among them.

use std::collections::HashMap;

use super::record::{CommitId, Link, Record};

/// A record as it was found in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub record: Record,
    pub link: Link,
    pub message: u64,
}

/// Why the records are no history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainError {
    /// `after` names a predecessor that is not there.
    Missing { after: CommitId, wanted: CommitId },
}

/// The history: the chain of predecessors back from the highest sequence number of the highest
/// epoch, oldest first. All other records are void - the leftovers of writers that were replaced.
/// Message ids play no part: Discord's order of nearly simultaneous messages is not commit order.
///
/// # Errors
/// [`ChainError`] when a link leads nowhere.
pub fn chain(entries: Vec<Entry>) -> Result<Vec<Entry>, ChainError> {
    let mut by_link: HashMap<Link, Entry> = HashMap::new();
    for entry in entries {
        // The same record in two messages is one commit; the older message stands for it.
        by_link
            .entry(entry.link)
            .and_modify(|known| known.message = known.message.min(entry.message))
            .or_insert(entry);
    }
    let head = by_link
        .keys()
        .copied()
        .max_by_key(|link| (link.id, link.crc));
    let mut history = Vec::with_capacity(by_link.len());
    let mut next = head;
    let mut after = head.map(|link| link.id);
    while let Some(link) = next {
        let Some(entry) = by_link.remove(&link) else {
            return Err(ChainError::Missing {
                after: after.unwrap_or(link.id),
                wanted: link.id,
            });
        };
        after = Some(link.id);
        next = entry.record.prev;
        history.push(entry);
    }
    history.reverse();
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn ids(history: &[Entry]) -> Vec<(u64, u64)> {
        history.iter().map(|e| (e.link.id.0, e.link.id.1)).collect()
    }

    #[test]
    fn a_late_record_of_a_replaced_writer_is_void() {
        let first = entry(10, 1, None, 100);
        let second = entry(20, 2, Some(&first), 101);
        // Epoch 10 went on unaware, and its message even arrived last.
        let late = entry(10, 2, Some(&first), 102);
        let later = entry(10, 3, Some(&late), 103);
        let history = chain(vec![late, later, second, first]).unwrap();
        assert_eq!(ids(&history), [(10, 1), (20, 2)]);
    }

    #[test]
    fn message_order_plays_no_part() {
        let first = entry(10, 1, None, 105);
        let second = entry(10, 2, Some(&first), 103);
        let third = entry(10, 3, Some(&second), 104);
        let history = chain(vec![third, first, second]).unwrap();
        assert_eq!(ids(&history), [(10, 1), (10, 2), (10, 3)]);
    }

    #[test]
    fn one_record_in_two_messages_is_one_commit() {
        let first = entry(10, 1, None, 100);
        let again = Entry {
            message: 99,
            ..first.clone()
        };
        let history = chain(vec![first, again]).unwrap();
        assert_eq!((history.len(), history[0].message), (1, 99));
    }

    #[test]
    fn a_missing_link_is_named() {
        let first = entry(10, 1, None, 100);
        let second = entry(10, 2, Some(&first), 101);
        let third = entry(10, 3, Some(&second), 102);
        assert_eq!(
            chain(vec![first, third]),
            Err(ChainError::Missing {
                after: CommitId(10, 3),
                wanted: CommitId(10, 2)
            })
        );
        assert_eq!(chain(vec![]), Ok(vec![]));
    }
}
