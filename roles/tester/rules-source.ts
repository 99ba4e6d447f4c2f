import { statSync } from "node:fs";
import type { Log } from "../../shared/base/log.ts";
import { type NearRules, NO_RULES } from "../../shared/detect/near/rules.ts";
import { readRulesFile } from "../../shared/detect/near/rules-file.ts";
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
