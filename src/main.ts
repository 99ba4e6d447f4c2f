#!/usr/bin/env bun
/** The program's front door: picks a role or a command, runs it, and turns its end into an exit status. */
import { runCommand } from "citty";
import { AppError, errorKind, errorReport } from "../shared/base/errors.ts";
import { Log, LogFile, type LogLevel, stderrSink } from "../shared/base/log.ts";
import { aboveBar } from "../shared/base/progress.ts";
import { VERSION } from "../shared/base/version.ts";
import { COMMANDS } from "./commands.ts";
import { checkWords, nearest } from "./flags.ts";
import { helpText } from "./help.ts";
import { overview } from "./overview.ts";
import { ROLES } from "./roles.ts";
import type { Command, Flags } from "./shell.ts";
import { stopOnSignals } from "./signals.ts";

async function main(argv: readonly string[]): Promise<void> {
  if (/^(--version|-v|version)$/.test(argv[0] ?? "")) return printLine(VERSION);
  if (argv[0] === "--notices") return printLine((await import("./notices.ts")).NOTICES);
  const asksHelp = /^(--help|-h|help)$/;
  if (argv.length === 0 || (argv.length === 1 && asksHelp.test(argv[0]!))) return printLine(overview());
  const asks = asksHelp.test(argv[0]!) || argv.includes("--help") || argv.includes("-h");
  const about = asksHelp.test(argv[0]!) ? argv.slice(1) : argv;
  const choice = await choose(asks && Object.hasOwn(ROLES, about[0] ?? "") ? ["--role", ...about] : about);
  if (asks) printLine(helpText(choice.usage, choice.command, process.stdout.columns));
  else await runOne(choice);
}

interface Choice {
  readonly command: Command;
  readonly name: string;
  /** How it is called. */
  readonly usage: string;
  readonly words: readonly string[];
}

/** The role that `--role` names, or the command that the first word names. Throws `usage`. */
async function choose(argv: readonly string[]): Promise<Choice> {
  const words = [...argv];
  const at = words.findIndex((word) => word === "--role" || word.startsWith("--role="));
  if (at >= 0) {
    const attached = words[at]!.split("=")[1];
    const name = attached ?? words[at + 1] ?? "";
    words.splice(at, attached === undefined ? 2 : 1);
    const { load } = find(ROLES, name, "role");
    return { ...(await load()), name, usage: `--role ${name}`, words };
  }
  const name = words.shift() ?? "";
  const role = `vigia --role ${name}`;
  if (Object.hasOwn(ROLES, name))
    throw new AppError("usage", `${name} is a role`, { hint: `start it with ${role}` });
  const { load, usage } = find(COMMANDS, name, "command");
  return { ...(await load()), name, usage, words };
}

function find<T>(table: Readonly<Record<string, T>>, name: string, what: string): T {
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry !== undefined) return entry;
  if (name.startsWith("-")) {
    throw new AppError("usage", `no ${what} comes before ${name}`, {
      hint: "vigia --help lists what there is",
    });
  }
  const near = nearest(name, Object.keys(table));
  throw new AppError("usage", name === "" ? `which ${what}?` : `there is no ${what} ${name}`, {
    hint: near === undefined ? `one of: ${Object.keys(table).join(", ")}` : `did you mean ${near}?`,
  });
}

async function runOne({ command, name, usage, words }: Choice): Promise<void> {
  const args = command.definition.args ?? {};
  const checked = checkWords(words, args as Parameters<typeof checkWords>[1], {
    ...(command.many && { many: command.many }),
    ...(command.rest && { rest: command.rest }),
    help: `usage: vigia ${usage}; vigia ${usage.startsWith("-") ? usage : name} --help lists the flags`,
  });
  const flag = (wanted: string): boolean => checked.plain.includes(`--${wanted}`);
  const logPath = checked.plain.find((word) => word.startsWith("--log="))?.slice("--log=".length);
  using file = logPath === undefined ? undefined : new LogFile(logPath);
  const level: LogLevel = flag("quiet") ? "warn" : flag("verbose") ? "debug" : "info";
  const log = new Log(name, file === undefined ? [stderrSink] : [stderrSink, file.sink], level);
  using signals = stopOnSignals(log);

  await runCommand(
    {
      ...command.definition,
      run: ({ args: flags }) =>
        command.run(flags as unknown as Flags, {
          signal: signals.signal,
          log,
          many: checked.many,
          print: printLine,
        }),
    },
    { rawArgs: [...checked.plain] },
  );
}

function printLine(line: string): void {
  const write = (): void => void process.stdout.write(`${line}\n`);
  if (process.stdout.isTTY) aboveBar(write);
  else write();
}

/** 0 done, 1 failed, 2 wrong usage. citty's own complaints are about usage. */
function exitStatus(error: unknown): number {
  const fromCitty = error instanceof Error && error.name === "CLIError";
  return fromCitty || errorKind(error) === "usage" ? 2 : 1;
}

// A reader that has gone (`vigia sightings ... | head`) wants no more.
process.stdout.on("error", () => process.exit());

try {
  await main(process.argv.slice(2));
  process.exitCode = process.exitCode ?? 0;
} catch (error) {
  const status = exitStatus(error);
  const report = status === 2 && error instanceof Error && !(error instanceof AppError);
  process.stderr.write(`vigia: ${report ? error.message : errorReport(error)}\n`);
  process.exitCode = status;
}
// What a slow reader of a pipe has not taken yet must still go out.
await new Promise<void>((resolve) => {
  // Ending it is what waits here: Bun calls a write done when it is only queued, and counts nothing as waiting.
  process.stdout.end(() => resolve());
});
// Threads, idle sockets and pools of the native libraries must not keep a finished command alive.
process.exit();
