import { Log } from "../../shared/base/log.ts";
import type { Command, Flags } from "../../src/shell.ts";

/** What a command printed and logged, and the message it failed with, if it did. */
export interface CommandOutcome {
  readonly lines: readonly string[];
  readonly failure: string;
  readonly logged: readonly string[];
}

/** Runs a command in this process as the shell would after it has read its flags. @param onLine as it is printed */
export async function runCommand(
  command: Command,
  flags: Readonly<Record<string, string | boolean>>,
  onLine: (line: string) => void = () => {},
): Promise<CommandOutcome> {
  const lines: string[] = [];
  const logged: string[] = [];
  const context = {
    signal: new AbortController().signal,
    log: new Log("test", [(line) => void logged.push(line)]),
    many: {},
    print: (line: string) => {
      lines.push(line);
      onLine(line);
    },
  };
  const failure = await command.run({ ...flags, _: [] } as unknown as Flags, context).then(
    () => "",
    (error: Error) => error.message,
  );
  return { lines, logged, failure };
}
