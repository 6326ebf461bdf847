// The prompt of scripts/dev: commands typed by a person are sent as signed interactions.
import readline from "node:readline";
import { asShown, findChannel, guildTree, written } from "./guild.mjs";
import { Refusal } from "./simulator.mjs";

const HELP = `  /dbc_...   sends the command; Tab completes its name, its options and their values
  guild      shows the guild: channels, threads, and the first line of each message
  #channel   shows the messages of a channel or thread in full
  restart    stops the Worker and starts it again, with the same object storage
  quit       ends everything (so does Ctrl-C)`;

/** How often the answers given so far are looked at. */
const LOOK_EVERY_MS = 2_000;

/** Reads lines until the person quits. What is no terminal may end; then it only waits to be ended. */
export async function prompt(dev, quit) {
  let busy = false;
  const look = () => (busy ? undefined : dev.showEditedAnswers().catch((error) => dev.show(error.message)));
  const lookOnceMore = async () => {
    await look();
    setTimeout(lookOnceMore, LOOK_EVERY_MS);
  };
  setTimeout(lookOnceMore, LOOK_EVERY_MS);
  const run = async (line) => {
    busy = true;
    // Discord's own client would not let a person send what the simulator refuses.
    await answer(dev, line.trim(), quit).catch((error) => console.log(`  ${error instanceof Refusal ? `not sent: ${error.reason}` : error.message}`));
    busy = false;
  };
  if (!process.stdin.isTTY) {
    console.log("Commands are read from standard input; `help` says what else is. Ctrl-C ends everything.");
    for await (const line of readline.createInterface({ input: process.stdin })) {
      console.log(`> ${line}`);
      await run(line);
    }
    return;
  }
  console.log(`Type a command, such as /dbc_get database:prod table:users key:u_1; help says what else there is. Ctrl-C ends everything.\n`);
  const commands = await registeredCommands(dev);
  const lines = readline.createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: "> ",
    completer: (line, done) => complete(dev, commands, line).then((found) => done(null, found), () => done(null, [[], line])),
  });
  const interrupted = () => {
    console.log("");
    quit();
  };
  lines.on("SIGINT", interrupted).on("close", quit);
  dev.interrupting = (text) => {
    if (busy) return console.log(text);
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    console.log(text);
    lines.prompt(true);
  };
  lines.prompt();
  for await (const line of lines) {
    await run(line);
    lines.prompt();
  }
}

async function answer(dev, line, quit) {
  if (line === "") return;
  if (line.startsWith("/")) {
    const wrong = await dev.send(line, { quiet: true });
    if (wrong) console.log(`  ${wrong}`);
  } else if (line.startsWith("#")) showChannel(await dev.state(), line.slice(1));
  else if (line === "guild") guildTree(await dev.state()).forEach((shown) => console.log(`  ${shown}`));
  else if (line === "restart") await dev.restart();
  else if (line === "quit" || line === "exit") await quit();
  else console.log(line === "help" ? HELP : `  not known: ${line}\n${HELP}`);
}

function showChannel(guild, name) {
  const channel = findChannel(guild, name);
  if (!channel) return console.log(`  there is no channel #${name}`);
  const messages = written(channel.messages);
  if (messages.length === 0) return console.log("  no messages");
  for (const { content, embeds, attachments } of messages) {
    const texts = [content, ...embeds.flatMap((embed) => [embed.title, embed.description]), ...attachments.map((file) => `[${file.filename}, ${file.size} bytes]`)];
    for (const text of texts.filter(Boolean).join("\n").split("\n")) console.log(`  │ ${asShown(text, guild)}`);
    console.log("");
  }
}

async function registeredCommands({ simulator, guild }) {
  const url = `${simulator.url}/api/v10/applications/${simulator.application_id}/guilds/${guild.guild_id}/commands`;
  const headers = { authorization: `Bot ${simulator.bot_token}`, "user-agent": "DiscordBot (https://github.com/dbcord, 0)" };
  const response = await fetch(url, { headers });
  return response.ok ? response.json() : [];
}

/** What Tab offers: `[candidates, the text that they replace]`. */
export async function complete(dev, commands, line) {
  const { simulator, guild } = dev;
  if (line.startsWith("#")) {
    const state = await dev.state();
    const channels = [...state.channels.filter((channel) => channel.messages), ...state.threads].map((channel) => `#${channel.name}`);
    return [channels.filter((candidate) => candidate.startsWith(line)), line];
  }
  const name = /^\/(\S*)$/.exec(line);
  if (name) {
    const all = ["guild", "help", "quit", "restart", ...commands.map((command) => `/${command.name} `)];
    return [all.filter((candidate) => candidate.startsWith(line)), line];
  }
  const command = commands.find((candidate) => line.startsWith(`/${candidate.name} `));
  if (!command) return [[], line];
  const options = command.options ?? [];
  const given = options.filter((option) => line.includes(` ${option.name}:`));
  const word = /(?:^|\s)(\S*)$/.exec(line)[1];
  const focused = options.find((option) => word.startsWith(`${option.name}:`));
  if (!focused) {
    const left = options.filter((option) => !given.includes(option)).map((option) => `${option.name}:`);
    return [left.filter((candidate) => candidate.startsWith(word)), word];
  }
  if (!focused.autocomplete) return [[], line];
  const view = await simulator.interact({ guild_id: guild.guild_id, text: line, autocomplete: focused.name });
  return [(view.choices ?? []).map((choice) => `${focused.name}:${choice.value} `), word];
}
