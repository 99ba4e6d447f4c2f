import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { AppError, errorKind, errorLine } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { replaceFile } from "../../shared/base/replace-file.ts";
import { type NearRules, NO_RULES } from "../../shared/detect/near/rules.ts";
import { readRulesFile } from "../../shared/detect/near/rules-file.ts";
import { type WrittenRules, writeFor, writtenFor } from "../../shared/detect/near/written-rules.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { RulesReply, RulesSaved, SaveRules } from "../../shared/wire/messages/rules.ts";
import type { TesterOptions } from "./options.ts";

const ABSENT = "absent";

/** The near rules in a file, read again when the file changes; a mistake in it leaves the rules as they were. */
export class RulesSource {
  readonly #file: TesterOptions["rulesFile"];
  readonly #log: Log;
  #stamp: string;
  #rules: NearRules;
  /** The file was not there a moment ago: an editor may be putting a new one in its place. */
  #isMissed = false;

  /** @throws {AppError} `usage` for a file that is not there or has a mistake: nobody watches by other rules unasked */
  constructor(file: TesterOptions["rulesFile"], log: Log) {
    this.#file = file;
    this.#log = log;
    this.#stamp = this.#stampNow();
    this.#rules = this.#read();
  }

  get rules(): NearRules {
    return this.#rules;
  }

  /** Looks whether the file has changed. @returns whether there are other rules now */
  refresh(): boolean {
    const stamp = this.#stampNow();
    const wasMissed = this.#isMissed;
    this.#isMissed = stamp === ABSENT;
    if (stamp === this.#stamp || (this.#isMissed && !wasMissed)) return false;
    this.#stamp = stamp;
    try {
      this.#rules = this.#read();
      this.#log.info("the near rules have changed", { file: this.#file?.path });
      return true;
    } catch (error) {
      this.#log.error("the near rules have a mistake; those before stay in force", { error });
      return false;
    }
  }

  /** What the file says of a camera now. */
  written(camera: string): Pick<MessageOf<typeof RulesReply>, "own" | "all" | "revision" | "problem"> {
    try {
      const { own, all } = writtenFor(this.#textNow(), camera, this.#path);
      return { own: { ...own }, all: { ...all }, revision: revisionOf(own), problem: "" };
    } catch (error) {
      return { own: {}, all: {}, revision: "", problem: reasonOf(error) };
    }
  }

  /**
   * Puts a camera's rules into the file: the whole file is written anew, or none of it. They are in force from the next
   * `refresh` on.
   */
  save({
    camera,
    revision,
    rules,
  }: Pick<MessageOf<typeof SaveRules>, "camera" | "revision" | "rules">): Omit<
    MessageOf<typeof RulesSaved>,
    "requestId"
  > {
    const before = this.written(camera);
    if (before.problem !== "") return { outcome: "refused", reason: before.problem, revision: "" };
    if (before.revision !== revision)
      return { outcome: "outdated", reason: "the rules have changed meanwhile", revision: before.revision };
    try {
      const text = writeFor(this.#textNow(), camera, rules, this.#path);
      const known = statSync(this.#path, { throwIfNoEntry: false });
      // A link stays one, and who could read the file still can.
      const path = known === undefined ? this.#path : realpathSync(this.#path);
      replaceFile(path, Buffer.from(text), known && known.mode & 0o777);
    } catch (error) {
      if (errorKind(error) !== "usage") this.#log.error("the near rules cannot be written", { error });
      return { outcome: "refused", reason: reasonOf(error), revision };
    }
    return { outcome: "saved", reason: "", revision: this.written(camera).revision };
  }

  get #path(): string {
    if (this.#file === undefined)
      throw new AppError("usage", "this tester was started without a rules file", {
        hint: "start it with --rules FILE.json",
      });
    return this.#file.path;
  }

  /** The file's text; empty where there is none and none is needed. */
  #textNow(): string {
    const isAbsent = statSync(this.#path, { throwIfNoEntry: false }) === undefined;
    return isAbsent && this.#file!.mayBeAbsent ? "" : readFileSync(this.#path, "utf8");
  }

  #read(): NearRules {
    if (this.#file === undefined || (this.#file.mayBeAbsent && this.#stamp === ABSENT)) return NO_RULES;
    return readRulesFile(this.#file.path);
  }

  /** Changes whenever the file does. Whoever then reads a file that cannot be looked at hears why. */
  #stampNow(): string {
    try {
      const facts = this.#file && statSync(this.#file.path, { throwIfNoEntry: false });
      return facts === undefined ? ABSENT : `${facts.mtimeMs} ${facts.size} ${facts.ino}`;
    } catch {
      return "out of reach";
    }
  }
}

function revisionOf(own: WrittenRules): string {
  return createHash("sha256").update(JSON.stringify(own)).digest("hex").slice(0, 16);
}

function reasonOf(error: unknown): string {
  const hint = deepestHint(error);
  return hint === undefined ? errorLine(error) : `${errorLine(error)} (${hint})`;
}

function deepestHint(error: unknown): string | undefined {
  const below = error instanceof Error && error.cause !== undefined ? deepestHint(error.cause) : undefined;
  return below ?? (error instanceof AppError ? error.hint : undefined);
}
