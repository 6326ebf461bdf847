// A guild's state as text, and what changed between two states of it.
const TEXT = 0;
const CATEGORY = 4;
const WIDTH = 110;

/** What changed, as lines: `+` new, `~` changed, `-` gone. Empty when nothing did. */
export function guildChanges(before, after) {
  const lines = [];
  const old = new Map(before.channels.map((channel) => [channel.id, channel]));
  for (const channel of inOrder(after.channels)) {
    const was = old.get(channel.id);
    old.delete(channel.id);
    const inside = messageChanges(was?.messages ?? [], channel.messages ?? []);
    const altered = was ? ["name", "topic", "parent_id", "permission_overwrites"].filter((key) => !same(was[key], channel[key])) : [];
    if (!was) lines.push(`+ ${channelLine(channel)}`);
    else if (altered.length > 0) lines.push(`~ ${channelLine(channel)}  (${altered.join(", ")})`);
    else if (inside.length > 0) lines.push(`  ${channelName(channel)}`);
    lines.push(...inside.map((line) => `    ${line}`));
  }
  for (const gone of old.values()) lines.push(`- ${channelLine(gone)}`);
  return lines;
}

/** The whole guild as lines. */
export function guildTree(guild) {
  return guildChanges({ channels: [] }, guild).map((line) => line.replace(/^(\s*)\+ /, "$1  "));
}

export function findChannel(guild, name, type = TEXT) {
  return guild.channels.find((channel) => channel.name === name && channel.type === type);
}

export function findCategory(guild, name) {
  return findChannel(guild, name, CATEGORY);
}

function messageChanges(before, after) {
  const lines = [];
  const old = new Map(before.map((message) => [message.id, message]));
  for (const message of after) {
    const was = old.get(message.id);
    old.delete(message.id);
    if (!was) lines.push(`+ ${messageLine(message)}`);
    else if (!same(visible(was), visible(message))) lines.push(`~ ${messageLine(message)}`);
  }
  for (const gone of old.values()) lines.push(`- ${messageLine(gone)}`);
  return lines;
}

const visible = ({ content, embeds, attachments, flags }) => ({ content, embeds, files: attachments?.map((file) => file.filename), flags });
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

function messageLine(message) {
  const text = [message.content, ...(message.embeds ?? []).map((embed) => [embed.title, embed.description].filter(Boolean).join(": "))];
  const lines = text.join("\n").split("\n").filter((line) => line.trim() !== "");
  const more = lines.length > 1 ? `  (+${lines.length - 1} lines)` : "";
  const files = (message.attachments ?? []).map((file) => `  [${file.filename}, ${file.size} bytes]`).join("");
  return shorten(lines[0] ?? "(empty)", WIDTH) + more + files;
}

function channelLine(channel) {
  const topic = channel.topic ? `  ${shorten(channel.topic, 60)}` : "";
  const closed = hidesFromEveryone(channel) ? "  (private)" : "";
  return channelName(channel) + closed + topic;
}

const channelName = (channel) => (channel.type === CATEGORY ? `category ${channel.name}` : `#${channel.name}`);
const VIEW_CHANNEL = 1n << 10n;

/** Whether some role is denied VIEW_CHANNEL: what dbcord does to @everyone. */
function hidesFromEveryone(channel) {
  return (channel.permission_overwrites ?? []).some((over) => over.type === 0 && (BigInt(over.deny) & VIEW_CHANNEL) !== 0n);
}

const shorten = (text, width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Categories first, each with its channels below it; the rest as they come. */
function inOrder(channels) {
  const byPosition = [...channels].sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  const loose = byPosition.filter((channel) => !channel.parent_id && channel.type !== CATEGORY);
  const grouped = byPosition
    .filter((channel) => channel.type === CATEGORY)
    .flatMap((category) => [category, ...byPosition.filter((channel) => channel.parent_id === category.id)]);
  return [...loose, ...grouped, ...byPosition.filter((channel) => !loose.includes(channel) && !grouped.includes(channel))];
}
