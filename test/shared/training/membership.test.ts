import { expect, test } from "bun:test";
import { WIRE_FORMATS } from "../../../shared/numeric/wire-format.ts";
import { Simulation } from "./simulation.ts";

const ROUNDS = 12;
/** Nothing here waits for time to pass; a machine that does much else has little for this. */
const TIMEOUT_MS = 120_000;
const JOINING_SCHEDULES = 60;

function finalWeights(workers: number): Float32Array {
  return new Simulation(1, ROUNDS).run({ workers, faults: 0 }).weights;
}

test("without faults nothing is repeated, and any number of workers ends with the weights of one", () => {
  const alone = finalWeights(1);
  for (const workers of [2, 3, 5, 8]) {
    const { weights, repeated } = new Simulation(workers, ROUNDS).run({ workers, faults: 0 });
    expect(repeated).toBe(0);
    weights.forEach((value, i) => {
      expect(Math.abs(value - alone[i]!)).toBeLessThan(1e-5);
    });
  }
});

test(
  "newcomers alone change nothing: members give them all that they need, and what is learnt is what one learns",
  () => {
    const alone = finalWeights(1);
    let given = 0;
    for (let seed = 1; seed <= JOINING_SCHEDULES; seed++) {
      const joins = ["none", "none", "none"] as const;
      const result = new Simulation(seed, ROUNDS).run({ workers: 1 + (seed % 4), faults: 0, joins });
      given += result.giving.given;
      expect([seed, result.repeated, result.giving.ungiven, result.sentByTrainer]).toEqual([seed, 0, 0, 0]);
      result.weights.forEach((value, i) => {
        expect(Math.abs(value - alone[i]!)).toBeLessThan(1e-5);
      });
    }
    // Who comes before the first round begins like everybody.
    expect(given).toBeGreaterThan(3 * JOINING_SCHEDULES);
  },
  TIMEOUT_MS,
);

test(
  "where members refuse, stall or give wrong weights the trainer sends the state, and nothing of it is lost",
  () => {
    const alone = finalWeights(1);
    let [ungiven, sentByTrainer] = [0, 0];
    for (let seed = 1; seed <= JOINING_SCHEDULES; seed++) {
      const joins = ["refuses", "stalls", "lies", "stalls", "refuses"] as const;
      const result = new Simulation(seed, ROUNDS).run({ workers: 2 + (seed % 4), faults: 0, joins });
      ungiven += result.giving.ungiven;
      sentByTrainer += result.sentByTrainer;
      expect([seed, result.repeated]).toEqual([seed, 0]);
      result.weights.forEach((value, i) => {
        expect(Math.abs(value - alone[i]!)).toBeLessThan(1e-5);
      });
    }
    expect(ungiven).toBeGreaterThan(JOINING_SCHEDULES);
    expect(sentByTrainer).toBeGreaterThan(JOINING_SCHEDULES);
  },
  TIMEOUT_MS,
);

const SCHEDULES = 2000;
const MIXED_SCHEDULES = 300;
const STEPPING_SCHEDULES = 1000;
const STEPS = [1, 2, 4];

test(
  `${SCHEDULES} trainings end with one truth for every round: kills, freezes, cuts, silent links, newcomers, restarts of the trainer, members that die or fail while they give state`,
  () => {
    const alone = finalWeights(1);
    let [generations, setAside, given, ungiven, struckGiving] = [0, 0, 0, 0, 0];
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      try {
        const result = new Simulation(seed, ROUNDS).run({ workers: 1 + (seed % 5), faults: 2 + (seed % 9) });
        expect(result.rounds).toBeGreaterThanOrEqual(ROUNDS);
        generations += result.generations;
        setAside += result.setAside;
        given += result.giving.given;
        ungiven += result.giving.ungiven;
        struckGiving += result.giving.struck;
        // Lost momentum may cost a little; the weights go the same way.
        const distance = Math.hypot(...result.weights.map((value, i) => value - alone[i]!));
        expect(distance).toBeLessThan(0.5 * Math.hypot(...alone));
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    expect(generations).toBeGreaterThan(3 * SCHEDULES);
    expect(setAside).toBeGreaterThan(SCHEDULES / 2);
    expect(given).toBeGreaterThan(3 * SCHEDULES);
    expect(ungiven).toBeGreaterThan(SCHEDULES / 4);
    expect(struckGiving).toBeGreaterThan(SCHEDULES / 2);
  },
  TIMEOUT_MS,
);

test(
  "rings that break and form anew hold one truth also where each round is told in another format",
  () => {
    const alone = finalWeights(1);
    for (let seed = 1; seed <= MIXED_SCHEDULES; seed++) {
      try {
        const mixed = new Simulation(seed, ROUNDS, { formats: WIRE_FORMATS });
        const { weights } = mixed.run({ workers: 1 + (seed % 5), faults: 2 + (seed % 9) });
        const distance = Math.hypot(...weights.map((value, i) => value - alone[i]!));
        expect(distance).toBeLessThan(0.5 * Math.hypot(...alone));
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  },
  TIMEOUT_MS,
);

test(
  `${STEPPING_SCHEDULES} trainings end with one truth also where members make one, two or four steps by themselves`,
  () => {
    const alone = finalWeights(1);
    let longer = 0;
    for (let seed = 1; seed <= STEPPING_SCHEDULES; seed++) {
      try {
        const mixed = new Simulation(seed, 2 * ROUNDS, { formats: WIRE_FORMATS, steps: STEPS });
        const { weights, longRounds } = mixed.run({ workers: 1 + (seed % 5), faults: 2 + (seed % 9) });
        longer += longRounds;
        const distance = Math.hypot(...weights.map((value, i) => value - alone[i]!));
        expect(distance).toBeLessThan(0.5 * Math.hypot(...alone));
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    expect(longer).toBeGreaterThan(3 * STEPPING_SCHEDULES);
  },
  TIMEOUT_MS,
);
