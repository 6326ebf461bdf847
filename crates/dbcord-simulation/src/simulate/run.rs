//! Carries out a plan, and writes down what clients see.

use std::collections::{BTreeMap, BTreeSet};

use discord_sim::{GuildSpec, Id, MemberSpec, View, permissions};

use super::answer::Answer;
use super::checks::{self, Looks};
use super::deed::{channel, table_mark};
use super::doc::Doc;
use super::elsewhere::{Asked, Gaps};
use super::linear::Call;
use super::model::Database;
use super::operation::{Action, Change, Command};
use super::pasts::Pasts;
use super::place::{Cell, DATABASE, TABLES, indexed};
use super::plan::{self, Ask, Blindness, CLIENTS, Plan, Step};
use super::violation::{Law, Violation};
use crate::harness::planted::PlantedBug;
use crate::harness::world::{World, content};

pub(super) const HOUR_MS: u64 = 3_600_000;
/// The database's own formats say their versions in a field that is called like the mark of documents.
const VERSIONS: u64 = 11;
/// The longest way of a request to Discord.
const UPLINK_MS: u64 = 80;
/// Manage Server.
const MANAGE_GUILD: u64 = 1 << 5;
/// Changes of unknown outcome after which everything is compared: each makes the search for an
/// explanation longer.
const UNKNOWN_AT_MOST: usize = 5;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub violation: Option<Violation>,
    /// Of every request and answer, in order: two runs with the same one were the same.
    pub digest: u64,
    pub requests: u64,
    pub operations: usize,
    /// Objects that died as planned.
    pub crashes: u64,
    /// The search for an explanation was given up, and the run with it.
    pub is_undecided: bool,
    /// The first lines of the log, as it was when the last step of the plan was done.
    pub log: Vec<String>,
    /// What happened, in words.
    pub trace: Vec<String>,
}

/// What a client is waiting for.
struct Pending {
    interaction: Id,
    call: usize,
}

/// A row that is to be deleted for good.
#[derive(Clone, Copy)]
pub(super) struct Erasing {
    pub interaction: Id,
    pub cell: Cell,
}

pub(super) struct Run {
    pub seed: u64,
    pub world: World,
    /// The state at the end of the last window.
    pub before: Database,
    pub calls: Vec<Call>,
    /// What marks the documents that were deleted for good.
    pub erased: BTreeSet<u64>,
    /// The deletions for good since the last comparison.
    pub erasing: Vec<Erasing>,
    /// There were such deletions before.
    has_erased: bool,
    pub pasts: Pasts,
    moments: u64,
    pending: [Option<Pending>; CLIENTS],
    /// What each client saw last.
    pub seen: [BTreeMap<Cell, (u64, Doc)>; CLIENTS],
    values: u64,
    operations: usize,
    pub is_undecided: bool,
    /// Nothing goes wrong in this run.
    pub is_fair: bool,
    /// Nothing has, so that every answer must be a good one.
    pub expects_answers: bool,
    started: u64,
    /// There are so many deployments of the bot.
    pub deployments: usize,
    /// The one that gets the commands.
    pub owner: usize,
    /// Somebody meddled with the channels since the last comparison.
    pub is_meddled: bool,
    /// Somebody did at some time.
    pub has_been_meddled: bool,
    /// Channels in which the bot lacks a permission.
    blind_in: Vec<String>,
    /// It did in some at some time.
    pub has_been_blind: bool,
    pub refuses_files: bool,
    pub looks: Looks,
    log: Vec<String>,
    pub trace: Vec<String>,
}

/// Runs a plan to its end, or to its first violation.
pub fn run(plan: &Plan, planted: Option<PlantedBug>) -> Report {
    let mut run = Run::begin(plan, planted);
    let violation = run.carry_out(plan).err();
    run.report(violation)
}

impl Run {
    fn begin(plan: &Plan, planted: Option<PlantedBug>) -> Run {
        let config = discord_sim::Config {
            seed: plan.seed,
            base_url: "http://discord.test".to_owned(),
            message_content_intent: true,
            latency_ms: (30, 160),
            record_traffic: false,
            ..discord_sim::Config::default()
        };
        let member = |client| MemberSpec {
            name: name(client),
            permissions: Some(MANAGE_GUILD),
        };
        let guild = GuildSpec {
            members: (0..CLIENTS).map(member).collect(),
            ..GuildSpec::named("Test guild")
        };
        let mut world = World::in_guild(config, guild);
        world.be_quiet();
        world.set_uplink(UPLINK_MS);
        if plan.refuses_files {
            world.refuse_files();
        }
        if let Some(bug) = planted {
            world.plant(bug);
        }
        Run {
            seed: plan.seed,
            started: world.now(),
            world,
            before: Database::default(),
            calls: Vec::new(),
            erased: BTreeSet::new(),
            erasing: Vec::new(),
            has_erased: false,
            pasts: Pasts::new(plan.sets_clock_back()),
            moments: 0,
            pending: [const { None }; CLIENTS],
            seen: [const { BTreeMap::new() }; CLIENTS],
            values: VERSIONS,
            operations: 0,
            is_undecided: false,
            is_fair: !plan.has_faults(),
            expects_answers: !plan.has_faults(),
            deployments: 1,
            owner: 0,
            is_meddled: false,
            has_been_meddled: false,
            blind_in: Vec::new(),
            has_been_blind: false,
            refuses_files: plan.refuses_files,
            looks: Looks {
                has_files: plan.has_files(),
                has_names: plan.has_names(),
            },
            log: Vec::new(),
            trace: Vec::new(),
        }
    }

    fn report(self, violation: Option<Violation>) -> Report {
        let observed = self.world.observed();
        Report {
            violation,
            digest: observed.digest,
            requests: observed.requests,
            operations: self.operations,
            crashes: observed.crashes,
            is_undecided: self.is_undecided,
            log: self.log,
            trace: self.trace,
        }
    }

    fn carry_out(&mut self, plan: &Plan) -> Result<(), Violation> {
        self.search_is(Gaps::Some);
        let bystander = checks::make_bystander(&mut self.world);
        self.set_up();
        for step in &plan.steps {
            self.step(step)?;
            if self.unknown() > UNKNOWN_AT_MOST {
                self.be_quiet()?;
            }
            if self.is_undecided {
                return Ok(());
            }
        }
        self.log = self.world.messages("dbc-log");
        self.log.iter_mut().for_each(first_line);
        self.be_quiet()?;
        if !self.is_undecided {
            self.read_again("an eviction", World::evict)?;
        }
        // From here on the database may ask for patience.
        self.expects_answers = false;
        if !self.is_undecided {
            self.read_again("wiped storage", World::wipe_storage)?;
        }
        checks::bystander_is_untouched(&self.world, &bystander)?;
        checks::requests_are_lawful(&self.world, self.is_fair)
    }

    fn step(&mut self, step: &Step) -> Result<(), Violation> {
        if !matches!(step, Step::Ask(_)) {
            self.note(&step.to_string());
        }
        let world = &mut self.world;
        match step {
            Step::Ask(ask) => return self.ask(ask),
            Step::Wait(ms) => world.wait(*ms),
            Step::Join => return self.join(),
            Step::Idle(ms) => {
                self.join()?;
                self.world.wait(*ms);
                self.world.evict();
            }
            Step::Evict => world.evict(),
            Step::Replace => world.replace(),
            Step::CrashAt { step, side } => world.crash_anywhere_at(*step, *side),
            Step::Fault(fault) => world.fault(fault.clone()),
            Step::BadLuck { seed } => world.bad_luck(plan::bad_luck(*seed)),
            Step::FlakyStorage { passes, fails } => world.flaky_storage(*passes, *fails),
            Step::LatePost(ms) => world.post_late(*ms),
            Step::StaleReads(ms) => world.stale_reads(*ms),
            Step::ClockBack(ms) => world.step_clock_back(*ms),
            Step::Blind(blindness) => self.blind(*blindness),
            Step::WipeStorage => world.wipe_storage(),
            Step::ByHand(deed) => {
                self.is_meddled = true;
                self.has_been_meddled = true;
                deed.carry_out(world);
            }
            Step::Index { table, is_drop } => {
                self.world.begin(&index(*table, *is_drop));
            }
            Step::MoveOn => self.move_on(),
            Step::Calm => self.calm(),
            Step::Quiet => return self.be_quiet(),
        }
        self.collect()
    }

    fn ask(&mut self, ask: &Ask) -> Result<(), Violation> {
        self.join_client(ask.client)?;
        self.collect()?;
        let command = self.command(ask);
        let strays = ask.strays && self.deployments > 1;
        if strays {
            self.world.point_at(1 - self.owner);
        }
        self.invoke(ask.client, command);
        self.world.point_at(self.owner);
        Ok(())
    }

    /// Takes a permission away, which comes back once it is calm.
    fn blind(&mut self, blindness: Blindness) {
        let world = &mut self.world;
        let Some(channel) = channel(world, &table_mark(blindness.table)) else {
            return;
        };
        let id = channel["id"].as_str().unwrap_or_default().to_owned();
        let bit = match blindness.is_hidden {
            true => permissions::VIEW_CHANNEL,
            false => permissions::READ_MESSAGE_HISTORY,
        };
        world.deny_bot_in(&id, bit);
        self.blind_in.push(id);
        self.has_been_blind = true;
    }

    /// Nothing goes wrong any more, but for what is so for good.
    pub(super) fn calm(&mut self) {
        self.world.calm();
        for channel in std::mem::take(&mut self.blind_in) {
            // It may be gone.
            self.world.deny_bot_in(&channel, 0);
        }
        if self.refuses_files {
            self.world.refuse_files();
        }
    }

    pub(super) fn invoke(&mut self, client: usize, command: Command) {
        self.note(&format!("client {client}: {command}"));
        let user = self.user(client);
        self.pasts.will_write(user.0, &command);
        let spec = command.spec(self.world.guild.guild_id, user);
        let interaction = self.world.send(spec);
        if let Command::Change(Change {
            cell,
            action: Action::Delete { is_hard: true },
            ..
        }) = command
        {
            self.erasing.push(Erasing { interaction, cell });
            self.has_erased = true;
        }
        let invoked = self.moment();
        self.operations += 1;
        self.pending[client] = Some(Pending {
            interaction,
            call: self.calls.len(),
        });
        self.calls.push(Call {
            client,
            user: user.0,
            command,
            invoked,
            returned: None,
        });
    }

    /// Everybody gets an answer, or gives up.
    pub(super) fn join(&mut self) -> Result<(), Violation> {
        (0..CLIENTS).try_for_each(|client| self.join_client(client))
    }

    pub(super) fn join_client(&mut self, client: usize) -> Result<(), Violation> {
        let Some(pending) = self.pending[client].take() else {
            return Ok(());
        };
        let view = self.world.wait_for(pending.interaction);
        self.returned(client, pending.call, &view)
    }

    /// Takes the answers that have come meanwhile.
    fn collect(&mut self) -> Result<(), Violation> {
        for client in 0..CLIENTS {
            let Some(pending) = &self.pending[client] else {
                continue;
            };
            if let Some(view) = self.world.answer_so_far(pending.interaction) {
                let call = pending.call;
                self.pending[client] = None;
                self.returned(client, call, &view)?;
            }
        }
        Ok(())
    }

    fn returned(&mut self, client: usize, call: usize, view: &View) -> Result<(), Violation> {
        let reply = content(view);
        let command = self.calls[call].command.clone();
        let file = self.world.reply_file(view);
        let answer = Answer::read(&command, &reply, file.as_deref());
        if let Command::AskElsewhere { table, via, query } = &command {
            let (table, via, at) = (*table, *via, self.calls[call].invoked);
            let asked = Asked {
                table,
                via,
                query,
                at,
            };
            self.hear_elsewhere(asked, &reply, file.as_deref())?;
        }
        // Of a change, the lines below tell what went along with it.
        let lines = if command.is_read() { 1 } else { 3 };
        let line: Vec<&str> = reply.lines().take(lines).collect();
        let line = line.join(" / ");
        self.note(&format!("client {client} hears of {command}: {line}"));
        if let Answer::Wrong(why) = answer {
            return Err(Violation::new(Law::Honest, why));
        }
        if let (
            Answer::Row {
                rev,
                doc: Some(doc),
            },
            [cell],
        ) = (&answer, &*command.cells())
        {
            self.seen[client].insert(*cell, (*rev, *doc));
        }
        if let (Command::Past(cell), Answer::Past(past)) = (&command, &answer) {
            let heard = self.pasts.hear(*cell, past, !self.has_erased);
            heard.map_err(|why| Violation::new(Law::Honest, why))?;
        }
        let is_poor = matches!(
            answer,
            Answer::Unknown | Answer::NotWritten | Answer::Unread
        );
        // Where files cannot be read back, what needs one is refused, and that is why.
        let is_poor = is_poor && !(self.refuses_files && reply.contains("this Worker read files"));
        // Somebody changed the row while its past was read.
        let is_poor = is_poor && !reply.contains("was changed meanwhile");
        let is_poor = is_poor && !matches!(command, Command::AskElsewhere { .. });
        if self.expects_answers && is_poor {
            let text = format!("nothing went wrong, and {command} was answered with: {reply}");
            return Err(Violation::new(Law::Available, text));
        }
        let moment = self.moment();
        self.calls[call].returned = Some((moment, answer));
        Ok(())
    }

    fn unknown(&self) -> usize {
        let is_pending = |index| self.pending.iter().flatten().any(|p| p.call == index);
        let calls = self.calls.iter().enumerate();
        calls
            .filter(|(index, call)| call.is_unknown() && !is_pending(*index))
            .count()
    }

    pub(super) fn next_value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    /// One of a document that comes as text: every eleventh comes as a file, which may be refused.
    pub(super) fn value_in_text(&mut self) -> u64 {
        let v = self.next_value();
        match self.refuses_files && v.is_multiple_of(11) {
            true => self.next_value(),
            false => v,
        }
    }

    /// All values up to this one have been given out.
    pub(super) fn newest_value(&self) -> u64 {
        self.values
    }

    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    pub(super) fn note(&mut self, line: &str) {
        let ms = self.world.now() - self.started;
        self.trace
            .push(format!("{:>9}.{:03} s  {line}", ms / 1_000, ms % 1_000));
    }

    pub(super) fn user(&self, client: usize) -> Id {
        self.world.guild.users[&name(client)]
    }
}

/// The command that makes or drops the index of a table.
pub(super) fn index(table: u8, is_drop: bool) -> String {
    let (name, field) = (TABLES[usize::from(table)], indexed(table));
    let rest = format!("database:{DATABASE} table:{name} field:{field}");
    match is_drop {
        true => format!("/dbc_index_drop {rest}"),
        // What marks documents is in no two rows.
        false => format!("/dbc_index_create {rest} unique:{}", field == "v"),
    }
}

fn name(client: usize) -> String {
    format!("client{client}")
}

fn first_line(text: &mut String) {
    text.truncate(text.find('\n').unwrap_or(text.len()));
}
