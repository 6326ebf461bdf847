// A guild's state as text, and what changed between two states of it.
const TEXT = 0;
const CATEGORY = 4;
const THREAD = 11;
/** A message that only stands for the one that a thread is on. */
const THREAD_STARTER = 21;
const WIDTH = 110;

/** What changed, as lines: `+` new, `~` changed, `-` gone. Empty when nothing did. */
export function guildChanges(before, after) {
  const lines = [];
  const old = new Map(before.channels.map((channel) => [channel.id, channel]));
  for (const channel of inOrder(after.channels)) {
    const was = old.get(channel.id);
    old.delete(channel.id);
    const threads = threadChanges(threadsOf(before, channel), threadsOf(after, channel), after);
    const inside = [...messageChanges(was?.messages ?? [], channel.messages ?? [], after), ...threads];
    lines.push(...changesOf(was, channel, inside));
  }
  for (const gone of old.values()) lines.push(`- ${channelLine(gone)}`);
  return lines;
}

function threadChanges(before, after, guild) {
  const lines = [];
  const old = new Map(before.map((thread) => [thread.id, thread]));
  for (const thread of after) {
    const was = old.get(thread.id);
    old.delete(thread.id);
    lines.push(...changesOf(was, thread, messageChanges(was?.messages ?? [], thread.messages ?? [], guild)));
  }
  for (const gone of old.values()) lines.push(`- ${channelLine(gone)}`);
  return lines;
}

/** A channel or thread that is new, different, or has changes inside; nothing otherwise. */
function changesOf(was, channel, inside) {
  const altered = was ? ["name", "topic", "parent_id", "permission_overwrites"].filter((key) => !same(was[key], channel[key])) : [];
  const lines = inside.map((line) => `    ${line}`);
  if (!was) return [`+ ${channelLine(channel)}`, ...lines];
  if (altered.length > 0) return [`~ ${channelLine(channel)}  (${altered.join(", ")})`, ...lines];
  if (isArchived(was) !== isArchived(channel)) return [`~ ${channelLine(channel)}`, ...lines];
  return inside.length > 0 ? [`  ${channelName(channel)}`, ...lines] : [];
}

const threadsOf = (guild, channel) => (guild.threads ?? []).filter((thread) => thread.parent_id === channel.id);
const isArchived = (channel) => channel.thread_metadata?.archived ?? false;

/** The whole guild as lines. */
export function guildTree(guild) {
  return guildChanges({ channels: [] }, guild).map((line) => line.replace(/^(\s*)\+ /, "$1  "));
}

/** The channel of that name, or the thread if there is no such channel. */
export function findChannel(guild, name, type = TEXT) {
  const found = guild.channels.find((channel) => channel.name === name && channel.type === type);
  return found ?? (type === TEXT ? (guild.threads ?? []).find((thread) => thread.name === name) : undefined);
}

export function findCategory(guild, name) {
  return findChannel(guild, name, CATEGORY);
}

/** A text as Discord shows it: mentions by name, points in time by this machine's clock. */
export function asShown(text, { channels = [], users = new Map() }) {
  return text
    .replace(/<#(\d+)>/g, (mention, id) => `#${channels.find((channel) => channel.id === id)?.name ?? id}`)
    .replace(/<@!?(\d+)>/g, (mention, id) => `@${users.get(id) ?? id}`)
    .replace(/<t:(\d+)(?::[a-zA-Z])?>/g, (stamp, seconds) => new Date(Number(seconds) * 1000).toLocaleString());
}

function messageChanges(before, after, guild) {
  const lines = [];
  const old = new Map(written(before).map((message) => [message.id, message]));
  for (const message of written(after)) {
    const was = old.get(message.id);
    old.delete(message.id);
    if (!was) lines.push(`+ ${messageLine(message, guild)}`);
    else if (!same(visible(was), visible(message))) lines.push(`~ ${messageLine(message, guild)}`);
  }
  for (const gone of old.values()) lines.push(`- ${messageLine(gone, guild)}`);
  return lines;
}

/** Messages that say something themselves. */
export const written = (messages) => messages.filter((message) => message.type !== THREAD_STARTER);
const visible = ({ content, embeds, attachments, flags }) => ({ content, embeds, files: attachments?.map((file) => file.filename), flags });
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

function messageLine(message, guild) {
  const text = [message.content, ...(message.embeds ?? []).map((embed) => [embed.title, embed.description].filter(Boolean).join(": "))];
  const lines = text.join("\n").split("\n").filter((line) => line.trim() !== "");
  const more = lines.length > 1 ? `  (+${lines.length - 1} ${lines.length === 2 ? "line" : "lines"})` : "";
  const files = (message.attachments ?? []).map((file) => `  [${file.filename}, ${file.size} bytes]`).join("");
  return shorten(asShown(lines[0] ?? "(empty)", guild), WIDTH) + more + files;
}

function channelLine(channel) {
  const topic = channel.topic ? `  ${shorten(channel.topic, 60)}` : "";
  const closed = hidesFromEveryone(channel) ? "  (private)" : "";
  const archived = isArchived(channel) ? "  (archived)" : "";
  return channelName(channel) + closed + archived + topic;
}

function channelName({ type, name }) {
  if (type === CATEGORY) return `category ${name}`;
  return type === THREAD ? `thread ${name}` : `#${name}`;
}
const VIEW_CHANNEL = 1n << 10n;

/** Whether some role is denied VIEW_CHANNEL: what dbcord does to @everyone. */
function hidesFromEveryone(channel) {
  return (channel.permission_overwrites ?? []).some((over) => over.type === 0 && (BigInt(over.deny) & VIEW_CHANNEL) !== 0n);
}

export const shorten = (text, width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Categories first, each with its channels below it; the rest as they come. */
function inOrder(channels) {
  const byPosition = [...channels].sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  const loose = byPosition.filter((channel) => !channel.parent_id && channel.type !== CATEGORY);
  const grouped = byPosition
    .filter((channel) => channel.type === CATEGORY)
    .flatMap((category) => [category, ...byPosition.filter((channel) => channel.parent_id === category.id)]);
  return [...loose, ...grouped, ...byPosition.filter((channel) => !loose.includes(channel) && !grouped.includes(channel))];
}
