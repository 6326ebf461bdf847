//! Cards: which are there, which are to be written, and writing them.

use std::collections::{BTreeMap, BTreeSet};

use super::card;
use super::late::Late;
use super::work::{Item, Lane, Next, Rank};
use super::{LATE_MS, Mirror, Stop, send};
use crate::discord::Patience;
use crate::discord::model::{Message, created_ms};
use crate::engine::database::{Database, Opened};
use crate::engine::log::CommitId;
use crate::engine::state::State;
use crate::host::{Host, UnixMillis};

#[derive(Debug, Default)]
pub(super) struct Cards {
    /// Tables whose card may not say what is so, with the commit that changed it.
    pending: BTreeMap<u32, CommitId>,
    /// The messages that are known, with what they say.
    shown: BTreeMap<u32, (u64, String)>,
    /// There may be messages that this object does not know of.
    is_unread: bool,
    /// And something about them may have to be put right.
    is_to_be_read: bool,
    /// Whether requests may arrive that change the catalog: it is read once more after them.
    late: Late,
}

impl Cards {
    /// After an opening.
    pub fn unread(is_to_be_read: bool) -> Cards {
        Cards {
            is_unread: true,
            is_to_be_read,
            ..Cards::default()
        }
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn oldest(&self) -> Option<CommitId> {
        self.pending.values().copied().min()
    }

    /// Whether a successor would have to read the catalog.
    pub fn is_unfinished(&self) -> bool {
        self.is_to_be_read || self.late.is_open()
    }

    pub fn late(&mut self, until: UnixMillis) {
        self.late.extend(until);
    }

    pub fn want(&mut self, table: u32, at: CommitId) {
        self.pending.entry(table).or_insert(at);
    }

    /// A table was dropped. Its card may be one that this object has not seen yet.
    pub fn table_dropped(&mut self) {
        self.is_to_be_read |= self.is_unread;
    }

    pub fn known_tables(&self) -> BTreeSet<u32> {
        let pending = self.pending.keys();
        pending.chain(self.shown.keys()).copied().collect()
    }

    /// Tables that need a channel before their card can name it.
    pub fn waits_for_channel(
        &self,
        state: &State,
        channels: &BTreeMap<u32, u64>,
    ) -> BTreeMap<u32, CommitId> {
        let waits = |table: &u32| {
            state.view(*table).is_some_and(|view| view.mirror) && !channels.contains_key(table)
        };
        let pending = self.pending.iter().filter(|(table, _)| waits(table));
        pending.map(|(&table, &at)| (table, at)).collect()
    }

    /// The next thing to do in the catalog.
    pub fn next(
        &self,
        state: &State,
        channels: &BTreeMap<u32, u64>,
        opened_at: Option<CommitId>,
        now: UnixMillis,
    ) -> Next {
        let waits = self.waits_for_channel(state, channels);
        let pending = self
            .pending
            .iter()
            .filter(|(id, _)| !waits.contains_key(id));
        let oldest = pending.min_by_key(|&(&table, &at)| (at, table));
        if self.is_to_be_read {
            let at = oldest.map(|(_, at)| *at).unwrap_or_default();
            return Next::Work(Rank::Due(at), Item::ReadCatalog);
        }
        let Some((&table, &at)) = oldest else {
            return match self.late.until() {
                None => Next::Nothing,
                Some(until) if now < until => Next::At(until),
                Some(_) => Next::Work(Rank::BestEffort(CommitId::default()), Item::ReadCatalog),
            };
        };
        // A table that is new since the opening has no card yet.
        let is_new = state
            .view(table)
            .is_some_and(|view| Some(view.created) > opened_at);
        let is_known = !self.is_unread || is_new || self.shown.contains_key(&table);
        let item = if is_known {
            Item::Card { table }
        } else {
            Item::ReadCatalog
        };
        Next::Work(Rank::Due(at), item)
    }

    /// A card may be there that this object does not know of.
    fn post_unanswered(&mut self, now: UnixMillis) {
        self.is_unread = true;
        self.is_to_be_read = true;
        self.late(now + LATE_MS);
    }

    /// Takes over what stood in the catalog at that time; the messages that should not.
    fn read(&mut self, messages: &[Message], asked_at: UnixMillis, opened: &View<'_>) -> Vec<u64> {
        self.late.looked(asked_at);
        let mut wrong = Vec::new();
        let known = std::mem::take(&mut self.shown);
        for message in messages.iter().rev() {
            let Some((id, created)) = card::parse(&message.content) else {
                continue;
            };
            let view = opened.state.view(id);
            let is_right = view.is_some_and(|view| view.created == created);
            if is_right && !self.shown.contains_key(&id) {
                let content = message.content.clone();
                self.shown.insert(id, (message.id, content));
            } else {
                wrong.push(message.id);
            }
        }
        self.is_unread = false;
        self.is_to_be_read = false;
        // Lists may miss what is new: a card of ours counts as there until a later look says that it is not.
        for (id, (message, content)) in known {
            let may_be_missed = created_ms(message).saturating_add(LATE_MS) > asked_at;
            let is_listed = messages.iter().any(|listed| listed.id == message);
            if may_be_missed && !is_listed && opened.state.view(id).is_some() {
                self.late(asked_at.saturating_add(LATE_MS));
                self.shown.entry(id).or_insert((message, content));
            }
        }
        let head = opened.state.head_id().unwrap_or_default();
        for table in opened.state.views() {
            let said = self.shown.get(&table.id).map(|(_, content)| content);
            if said == opened.wanted(table.id).as_ref() {
                self.pending.remove(&table.id);
            } else {
                self.want(table.id, head);
            }
        }
        self.pending
            .retain(|&view, _| opened.state.view(view).is_some());
        wrong
    }

    /// The table's card says this now, or is gone.
    fn written(&mut self, table: u32, card: Option<(u64, String)>, wanted: Option<&String>) {
        let said = card.as_ref().map(|(_, content)| content);
        if said == wanted {
            self.pending.remove(&table);
        }
        match card {
            Some(card) => self.shown.insert(table, card),
            None => self.shown.remove(&table),
        };
    }
}

impl Mirror {
    /// The rows of a table turned out to be damaged, or not to be any more: its card says so.
    pub(in crate::engine) fn damage_changed(&mut self, state: &State, table: u32) {
        let head = state.head_id().unwrap_or_default();
        self.cards.want(table, head);
        let found = state.table_by_id(table);
        if found.is_some_and(|(_, table)| table.damage.is_none()) {
            self.went_well(Lane::Table(table));
        }
    }
}

/// What cards are written from.
struct View<'a> {
    state: &'a State,
    channels: &'a BTreeMap<u32, u64>,
}

impl<'a> View<'a> {
    fn of(opened: &'a Opened) -> Self {
        View {
            state: &opened.state,
            channels: opened.mirror.channels(),
        }
    }

    /// What the card of a table or index should say; none for one that is not there.
    fn wanted(&self, table: u32) -> Option<String> {
        let (name, found) = self.state.table_of_view(table)?;
        let channel = self.channels.get(&table).copied();
        let channel = channel.filter(|_| found.mirror);
        Some(match self.state.indexes.get(&table) {
            Some(index) => card::render_index(name, index, channel),
            None => card::render(name, found, channel),
        })
    }
}

impl<H: Host> Database<H> {
    /// Writes, edits or removes a table's card.
    pub(super) async fn sync_card(&self, table: u32) -> Result<(), Stop> {
        let catalog = self.catalog_channel().await?;
        let now = self.shared.host.now();
        let (wanted, shown, at) = self.look(|opened| {
            let cards = &opened.mirror.cards;
            let at = cards.pending.get(&table).copied().unwrap_or_default();
            let wanted = View::of(opened).wanted(table);
            (wanted, cards.shown.get(&table).cloned(), at)
        })?;
        let written = match (wanted, shown) {
            (None, None) => None,
            (Some(wanted), Some((message, said))) if said == wanted => Some((message, wanted)),
            (None, Some((message, _))) => {
                self.delete_message(catalog, message).await?;
                None
            }
            (Some(wanted), Some((message, _))) => {
                let edited = send::edit(&self.shared.client, catalog, message, &wanted, None);
                match edited.await {
                    Ok(_) => Some((message, wanted)),
                    Err(error) if error.is_unknown_message() => None,
                    Err(error) => {
                        if error.may_have_happened() {
                            self.change(|opened| opened.mirror.cards.late(now + LATE_MS))?;
                        }
                        return Err(error.into());
                    }
                }
            }
            (Some(wanted), None) => {
                let identity = format!("{catalog}:card:{table}:{at}");
                match self.post_message(catalog, &wanted, None, &identity).await {
                    Ok(message) => Some((message.id, wanted)),
                    Err(error) => {
                        if error.may_have_happened() {
                            // It may be there all the same: look before the next try.
                            self.change(|opened| opened.mirror.cards.post_unanswered(now))?;
                        }
                        return Err(error.into());
                    }
                }
            }
        };
        self.change(|opened| {
            let wanted = View::of(opened).wanted(table);
            opened.mirror.cards.written(table, written, wanted.as_ref());
        })
    }

    /// Reads the catalog: takes over the cards that are there, and removes those that should not
    /// be.
    pub(super) async fn read_catalog(&self) -> Result<(), Stop> {
        const AT_ONCE: usize = 5;
        let catalog = self.catalog_channel().await?;
        let me = self.shared.me().await?;
        let asked_at = self.shared.host.now();
        let messages = self
            .shared
            .own_messages(catalog, me, Patience::BACKGROUND)
            .await?;
        if messages.is_empty() && self.look(|opened| !opened.state.tables.is_empty())? {
            self.check_readable(catalog, 0).await?;
        }
        let wrong = self.change(|opened| {
            let mut cards = std::mem::take(&mut opened.mirror.cards);
            let wrong = cards.read(&messages, asked_at, &View::of(opened));
            // The rest is found by the next reading.
            cards.is_to_be_read = wrong.len() > AT_ONCE;
            opened.mirror.cards = cards;
            wrong
        })?;
        for &message in wrong.iter().take(AT_ONCE) {
            if let Err(stop) = self.delete_message(catalog, message).await {
                self.change(|opened| opened.mirror.cards.is_to_be_read = true)?;
                return Err(stop);
            }
        }
        Ok(())
    }
}
