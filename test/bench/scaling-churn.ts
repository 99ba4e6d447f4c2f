import { Random } from "../../shared/base/random.ts";
import { loopbackMachine } from "../support/machines.ts";
import { StandInJob } from "./scaling-job.ts";

/** What may strike a worker. */
const FAULTS = ["kill", "join", "freeze", "unplug", "part", "cut"] as const;

export interface ChurnOptions {
  readonly seed: number;
  readonly faults: number;
  /** Rounds that the training has. */
  readonly rounds: number;
  /** Between one fault and the next, on average. */
  readonly everyMs: number;
}

/** What became of a training under faults. */
export interface ChurnResult {
  readonly map50: number;
  readonly seconds: number;
  readonly faults: number;
}

const WORKERS_MIN = 2;
const WORKERS_MAX = 5;

/**
 * A training of stand-in workers through faults drawn by seed: kills, newcomers, freezes, cables out, pairs that cannot
 * reach each other, links cut. Real processes and sockets, through wires; the score is that of the final model.
 */
export async function churn({ seed, faults, rounds, everyMs }: ChurnOptions): Promise<ChurnResult> {
  const random = new Random("churn", seed);
  await using job = new StandInJob();
  const startMs = performance.now();
  await job.startTrainer();
  let born = 0;
  const alive: string[] = [];
  const join = async (): Promise<void> => {
    const name = `w${born++}`;
    await job.add(name, loopbackMachine(born), random.between(2, 8));
    alive.push(name);
  };
  for (let i = 0; i < 3; i++) await join();
  // The job must not be over before the last of them has come.
  await job.untilConnected(3);
  await job.handIn(6, { rounds });
  await job.settled(3);
  let struck = 0;
  for (; struck < faults && !job.isEnded; struck++) {
    const [victim, other] = [random.pick(alive), random.pick(alive)];
    const forMs = random.between(100, 6 * everyMs);
    let fault = random.pick(FAULTS);
    if (fault === "join" && alive.length >= WORKERS_MAX) fault = "kill";
    if (fault === "kill" && alive.length <= WORKERS_MIN) fault = "join";
    if (fault === "join") await join();
    else if (fault === "kill") {
      alive.splice(alive.indexOf(victim), 1);
      job.kill(victim);
    } else if (fault === "freeze") {
      job.process(victim).kill("SIGSTOP");
      setTimeout(() => job.process(victim).kill("SIGCONT"), forMs);
    } else if (fault === "unplug") {
      job.wires.isolate(victim, true);
      setTimeout(() => job.wires.isolate(victim, false), forMs);
    } else if (fault === "part" && victim !== other) {
      job.wires.part(victim, other, true);
      setTimeout(() => job.wires.part(victim, other, false), forMs);
    } else if (fault === "cut") job.wires.cut(victim, other);
    await Bun.sleep(random.between(0, 2 * everyMs));
  }
  const map50 = await job.ended(180_000);
  const seconds = (performance.now() - startMs) / 1000;
  return { map50, seconds, faults: struck };
}
