import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpuMsOf } from "../support/cpu-time.ts";
import { BUSY_MACHINE_MS } from "../support/limits.ts";
import { corpusOf } from "./corpus.ts";
import { endOf, inputOf } from "./target.ts";
import { MESSAGE_KINDS } from "./targets/wire.ts";
import { TARGETS } from "./targets.ts";

/*
 * Whatever a stranger sends, a reader gives a value or a refusal, at once. Each runs the inputs that are kept, and some
 * new ones; `npm run bench:fuzz` runs a million.
 */
const INPUTS = 2000;
/** Real sessions, which have a share of the inputs, run so many at least. */
const INPUTS_MIN = 20;
/** A hang, or a step that grows with the square of the input, shows. */
const CPU_MS_PER_INPUT_MAX = 10;

setDefaultTimeout(BUSY_MACHINE_MS);

describe.each(TARGETS.map((target) => [target.name, target] as const))("%s", (name, target) => {
  test("the inputs that are kept end with a value or a refusal", async () => {
    for (const { input } of corpusOf(target)) await endOf(target, input);
  });

  test("new inputs end so too, soon, and not all alike", async () => {
    const count = Math.max(INPUTS_MIN, Math.min(1, target.share ?? 1) * INPUTS);
    const ends = new Set<string>();
    const tookMs = await cpuMsOf(async () => {
      for (let seed = 0; seed < count; seed++) {
        const input = inputOf(target, seed);
        try {
          ends.add(await endOf(target, input));
        } catch (cause) {
          throw new Error(`${name}, seed ${seed}: ${input.toString("base64")}`, { cause });
        }
      }
    });
    expect(tookMs / count).toBeLessThan(CPU_MS_PER_INPUT_MAX);
    expect(ends.size).toBeGreaterThan(1);
  });
});

test("every kind of message is among those that are read", () => {
  expect(MESSAGE_KINDS.size).toBeGreaterThan(20);
});
