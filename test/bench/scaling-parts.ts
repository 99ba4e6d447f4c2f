import { buildNetwork } from "../../shared/nn/networks/config.ts";
import type { WireChoice } from "../../shared/training/wire-choice.ts";
import { loopbackMachine, type Machine } from "../support/machines.ts";
import { Namespaces } from "../support/namespaces.ts";
import type { WireQuality } from "../support/relay.ts";
import { churn } from "./scaling-churn.ts";
import { StandInJob } from "./scaling-job.ts";
import { RealJob } from "./scaling-real.ts";

/** One figure of the table. */
export interface Row {
  /** Its name in the JSON line. */
  readonly key: string;
  /** What was measured, and how. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly must?: number;
  readonly goal?: number;
  /** Less is better. */
  readonly isLess?: boolean;
}

export interface Part {
  readonly needsNamespaces: boolean;
  /** What it needs and is not here. */
  readonly missing?: string | undefined;
  run(): Promise<Row[]>;
}

/** Bytes that a member of a ring must send for each number of the vector: it crosses twice, but for its own slice. */
const boundBytes = (workers: number, numbers: number, bytesANumber: number): number =>
  ((2 * (workers - 1)) / workers) * numbers * bytesANumber;
/** The detector's weight vector at the two classes of the stand-in's data set. */
const NUMBERS = buildNetwork({ kind: "detector", size: 64, variant: "normal", classCount: 2 }).parameters
  .totalCount;

/** The mean time of a round among `machines`. */
async function measure(
  machines: readonly Machine[],
  options: {
    chunks: number;
    chunkMs: number | ((index: number) => number);
    rounds: number;
    quality?: WireQuality;
    wire?: WireChoice;
  },
): Promise<number> {
  const { chunks, chunkMs, rounds, quality, wire = "auto" } = options;
  await using job = new StandInJob(quality);
  await job.begin(chunks, { wire });
  for (const [i, machine] of machines.entries()) {
    await job.add(`w${i}`, machine, typeof chunkMs === "number" ? chunkMs : chunkMs(i));
  }
  await job.settled(machines.length);
  return await job.roundMs(rounds, 120_000);
}

/** Bytes that all `machines` send in a round of float16, by the median of some: one that was repeated is no measure. */
async function roundBytes(
  network: Namespaces,
  machines: readonly Machine[],
): Promise<{ toPeers: number; asFrames: number }> {
  // Rounds alone: a checkpoint's state goes to the trainer every ten seconds, however many rounds these have.
  await using job = new StandInJob({}, 600_000);
  await job.begin(machines.length, { wire: "float16" });
  // Long enough that the ring is at rest when a round has ended and its bytes are counted.
  for (const [i, machine] of machines.entries()) await job.add(`w${i}`, machine, 200);
  await job.settled(machines.length);
  const seen: { toPeers: number; asFrames: number }[] = [];
  for (let round = 0; round < 10; round++) {
    await job.roundEnd(60_000);
    seen.push({ toPeers: job.wires.peerBytes, asFrames: network.frameBytes });
  }
  const median = (of: (one: (typeof seen)[number]) => number): number => {
    const bytes = seen.slice(1).map((one, i) => of(one) - of(seen[i]!));
    return bytes.sort((a, b) => a - b)[bytes.length >> 1]!;
  };
  return { toPeers: median(({ toPeers }) => toPeers), asFrames: median(({ asFrames }) => asFrames) };
}

/** Four machines, each with its own link to a switch. */
async function lan(): Promise<Row[]> {
  using network = new Namespaces();
  const machines = Array.from({ length: 4 }, () => network.add(1000));
  const chunkMs = 1000;
  const quality = { delayMs: 0.3 };
  const roundMs = await measure(machines, { chunks: 4, chunkMs, rounds: 10, quality, wire: "float16" });
  const bytes = await roundBytes(network, machines);
  const bound = 4 * boundBytes(4, NUMBERS, 2);
  return [
    {
      key: "lanEfficiency",
      what: "4 workers, 1 Gbit/s, 0.3 ms hops, 1 s stand-in compute, float16: efficiency",
      value: chunkMs / roundMs,
      unit: "",
      must: 0.9,
      goal: 0.97,
    },
    {
      key: "lanBytes",
      what: "bytes a round that they send each other, TLS included, of the ring's bound",
      value: bytes.toPeers / bound,
      unit: "x",
      must: 1.05,
      goal: 1.02,
      isLess: true,
    },
    {
      key: "lanFrameBytes",
      what: "the same as Ethernet frames, with acknowledgements and what the trainer hears",
      value: bytes.asFrames / bound,
      unit: "x",
    },
  ];
}

/** Four machines on one radio channel: what goes from one to another crosses it twice, and all share it. */
async function cell(): Promise<Row[]> {
  using network = new Namespaces();
  // 50 Mbit/s each way is 100 Mbit/s of a medium that carries one way at a time.
  const machines = network.cell(50, 4);
  const quality = { delayMs: 2, loss: 0.02, stallMs: 4, timerEvery: 50 };
  const chunkMs = 1000;
  await using job = new StandInJob(quality);
  await job.begin(4);
  for (const [i, machine] of machines.entries()) await job.add(`w${i}`, machine, chunkMs);
  // What the trainer makes of it by itself, once it has seen a few rounds; checkpoints count.
  await job.until(() => job.chosen !== undefined, 120_000);
  const stepMs = await job.stepMs(6, 240_000);
  const { format, steps } = job.chosen!;
  return [
    {
      key: "cellSpeedup",
      what: `4 workers, shared 100 Mbit/s cell, 2% loss, 1 s stand-in compute, auto (${format}, ${steps} steps): of one`,
      value: (4 * chunkMs) / stepMs,
      unit: "x",
      must: 2,
      goal: 3,
    },
  ];
}

/** One machine at a quarter of the others' speed, against rounds that wait for it. */
async function unequal(): Promise<Row[]> {
  const machines = Array.from({ length: 4 }, (_, i) => loopbackMachine(i));
  const chunks = 16;
  const chunkMs = 150;
  const slow = (index: number): number => (index === 0 ? 4 * chunkMs : chunkMs);
  const roundMs = await measure(machines, { chunks, chunkMs: slow, rounds: 12 });
  // All at a quarter of the speed take as long as an even split that waits for one.
  const waiting = await measure(machines, { chunks, chunkMs: 4 * chunkMs, rounds: 5 });
  return [
    {
      key: "unequalSpeedup",
      what: `one of 4 at a quarter of the speed, ${chunks} chunks a round (stand-in): of waiting for it`,
      value: waiting / roundMs,
      unit: "x",
      must: 2,
      goal: 3,
    },
  ];
}

type Fault = "killed" | "frozen" | "unplugged" | "parted";

/** What a fault costs: from the fault to the end of the next round. */
async function faults(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const fault of ["killed", "frozen", "unplugged", "parted"] as const satisfies Fault[]) {
    rows.push({
      key: `${fault}Seconds`,
      what: `one of 4 workers ${fault}, rounds of 0.25 s (stand-in): until the next round ends`,
      value: (await faultMs(fault)) / 1000,
      unit: "s",
      // Silence is noticed after 1.25 s on a quiet machine; the round in which it fell is repeated.
      ...(fault === "killed" ? { must: 3, goal: 1 } : { must: 4.5, goal: 3 }),
      isLess: true,
    });
  }
  return rows;
}

async function faultMs(fault: Fault): Promise<number> {
  await using job = new StandInJob();
  await job.begin(8);
  for (let i = 0; i < 4; i++) await job.add(`w${i}`, loopbackMachine(i), 125);
  await job.settled(4);
  await job.roundMs(4, 20_000);
  const startMs = performance.now();
  const before = job.rounds.length;
  if (fault === "killed") job.process("w1").kill("SIGKILL");
  else if (fault === "frozen") job.process("w1").kill("SIGSTOP");
  else if (fault === "unplugged") job.wires.isolate("w1", true);
  else job.wires.part("w1", "w2", true);
  // The round that ran may have been as good as over.
  await job.until(() => job.rounds.length > before + 1, 60_000);
  return job.rounds[before + 1]!.atMs - startMs;
}

/** What a newcomer costs: of the trainer's link, and of the others' time. */
async function newcomer(): Promise<Row[]> {
  using network = new Namespaces();
  // Rounds alone: no checkpoint's state goes to the trainer in between.
  await using job = new StandInJob({}, 600_000);
  await job.begin(8);
  const add = (name: string): Promise<unknown> => job.add(name, network.add(100), 50);
  for (const name of ["w0", "w1", "w2"]) await add(name);
  await job.settled(3);
  const usualMs = await job.roundMs(5, 60_000);
  const sent = job.wires.trainerBytes;
  const before = job.rounds.length - 1;
  await add("w3");
  await job.settled(4);
  const seen = job.rounds.slice(before);
  const longestMs = Math.max(...seen.slice(1).map(({ atMs }, i) => atMs - seen[i]!.atMs));
  const what = "a fourth worker joins three, 100 Mbit/s each (stand-in)";
  return [
    {
      key: "newcomerTrainerMegabytes",
      what: `${what}: what leaves the trainer`,
      value: (job.wires.trainerBytes - sent) / 1e6,
      unit: "MB",
    },
    {
      key: "newcomerSeconds",
      what: `${what}: longest time without a round's end, less a usual round`,
      value: (longestMs - usualMs) / 1000,
      unit: "s",
    },
  ];
}

/** 200 faults in one training, against the same training in peace. */
async function faultsInOneTraining(): Promise<Row[]> {
  const rounds = 1200;
  const calm = await churn({ seed: 1, faults: 0, rounds, everyMs: 1 });
  const result = await churn({ seed: 1, faults: 200, rounds, everyMs: 350 });
  const what = `${result.faults} faults in one training (stand-in, ${result.seconds.toFixed(0)} s)`;
  return [
    {
      key: "churnFaults",
      what: `${what}: faults while it ran`,
      value: result.faults,
      unit: "",
      must: 200,
      goal: 200,
    },
    {
      key: "churnLoss",
      what: `${what}: points of mAP50 lost`,
      value: 100 * Math.abs(calm.map50 - result.map50),
      unit: "",
      must: 2,
      goal: 1,
      isLess: true,
    },
  ];
}

/** Two workers on two cores against one on one, really learning. */
async function cores(): Promise<Row[]> {
  const rates: number[] = [];
  for (const workers of [1, 2]) {
    await using job = new RealJob();
    // The round is the same for both: each of two workers gets half of its chunks.
    await job.begin({ sizePx: 320, chunkSize: 4, chunksPerRound: 4 });
    for (let i = 0; i < workers; i++) job.add(String(i), `w${i}`);
    rates.push(1 / (await job.roundMs(workers, 5, 25_000)));
  }
  return [
    {
      key: "coresSpeedup",
      what: "2 workers on 2 cores, detector 320 px, 4 chunks of 4 a round (real): of 1 on 1",
      value: rates[1]! / rates[0]!,
      unit: "x",
      must: 1.85,
      goal: 1.97,
    },
  ];
}

/** From typing the line on a second machine to its first gradient. */
async function start(): Promise<Row[]> {
  await using job = new RealJob();
  await job.begin({ sizePx: 320, chunkSize: 4, chunksPerRound: 2 });
  job.add("0", "first");
  await job.heard(/ round job=/, 120_000);
  const startMs = performance.now();
  job.add("1", "second");
  const { atMs } = await job.heard(/ first gradients /, 60_000);
  return [
    {
      key: "startSeconds",
      what: "from typing the line to the first gradient, 292 pictures, loopback (real)",
      value: (atMs - startMs) / 1000,
      unit: "s",
      must: 10,
      goal: 4,
      isLess: true,
    },
  ];
}

/** The parts of the table by name, in their order. */
export const PARTS: Readonly<Record<string, Part>> = {
  cores: { needsNamespaces: false, missing: RealJob.missing, run: cores },
  start: { needsNamespaces: false, missing: RealJob.missing, run: start },
  lan: { needsNamespaces: true, run: lan },
  cell: { needsNamespaces: true, run: cell },
  unequal: { needsNamespaces: false, run: unequal },
  faults: { needsNamespaces: false, run: faults },
  newcomer: { needsNamespaces: true, run: newcomer },
  churn: { needsNamespaces: false, run: faultsInOneTraining },
};
