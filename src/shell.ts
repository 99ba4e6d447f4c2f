import type { ArgsDef, CommandDef } from "citty";
import type { RoleContext } from "../shared/base/context.ts";
import type { ManyFlags } from "./flags.ts";

/** What a command gets beside its flags. */
export interface CommandContext extends RoleContext {
  /** The values of flags that may be given several times. */
  readonly many: Readonly<Record<string, readonly string[]>>;
  /** Writes one JSON object as a line of standard output. Nothing else goes there under `--json`. */
  readonly print: (line: string) => void;
}

/** A command: citty's definition for flags and usage, and what it does. */
export interface Command<T extends ArgsDef = ArgsDef> {
  readonly definition: CommandDef<T>;
  readonly many?: ManyFlags;
  /** Takes any number of positional words, which arrive in `args._`. */
  readonly rest?: boolean;
  readonly run: (args: Flags, context: CommandContext) => Promise<void>;
}

/** Flags as citty parsed them: strings, booleans, and the positional words under `_`. */
export type Flags = Readonly<Record<string, string | boolean | undefined>> & {
  readonly _: readonly string[];
};

/** A flag's text, or `undefined` where it was not given. */
export function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A flag's text that must be there; citty has checked it. */
export function neededText(flags: Flags, name: string): string {
  return textOf(flags, name) ?? "";
}

export function isSet(flags: Flags, name: string): boolean {
  return flags[name] === true;
}

/** Flags that every command and role takes. */
export const COMMON_FLAGS = {
  token: {
    type: "string",
    valueHint: "TOKEN",
    description: "The site key that joins machines (or VIGIA_TOKEN, or the key file).",
  },
  log: {
    type: "string",
    valueHint: "FILE",
    description: "Also write the log to this file; processes may share it.",
  },
  verbose: { type: "boolean", description: "Say more." },
  quiet: { type: "boolean", description: "Say only warnings and errors." },
} as const satisfies ArgsDef;

/** Flags that every role takes beside those. */
export const ROLE_FLAGS = {
  ...COMMON_FLAGS,
  ready: {
    type: "string",
    valueHint: "FILE",
    description: "Write this file, with the address as JSON, once the role listens: for scripts.",
  },
} as const satisfies ArgsDef;
