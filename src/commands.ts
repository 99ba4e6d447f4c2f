import type { Command } from "./shell.ts";

/** A command's name, what it is for, and where it is: loaded only when it runs, so that `--help` answers at once. */
interface Entry {
  readonly usage: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  demo: {
    usage: "demo",
    summary: "Every role on this machine, with pictures it draws itself: train, watch, see.",
    load: () => import("./commands/demo.ts"),
  },
  train: {
    usage: "train DATASET --out FILE.onnx",
    summary: "Train a model on this machine.",
    load: () => import("./commands/train.ts"),
  },
  submit: {
    usage: "submit DATASET --name NAME",
    summary: "Give a trainer a data set; its workers train the model.",
    load: () => import("./commands/submit.ts"),
  },
  models: {
    usage: "models",
    summary: "List the models that a trainer keeps, and those that it trains.",
    load: () => import("./commands/models.ts"),
  },
  eval: {
    usage: "eval --model FILE --data DATASET",
    summary: "Score a model on labelled pictures.",
    load: () => import("./commands/eval.ts"),
  },
  inspect: {
    usage: "inspect DATASET",
    summary: "Look at a data set before training on it: classes, sizes, copies, defects.",
    load: () => import("./commands/inspect.ts"),
  },
  detect: {
    usage: "detect --model FILE IMAGE...",
    summary: "Find things on pictures and draw them.",
    load: () => import("./commands/detect.ts"),
  },
  watch: {
    usage: "watch --model FILE NAME=SOURCE...",
    summary: "Watch cameras or files on this machine; a line a sighting.",
    load: () => import("./commands/watch.ts"),
  },
  rules: {
    usage: "rules FILE.json",
    summary: "Check a file of zones, lines and masks.",
    load: () => import("./commands/rules.ts"),
  },
  sightings: {
    usage: "sightings --data DIR",
    summary: "List what was seen.",
    load: () => import("./commands/sightings.ts"),
  },
  quantize: {
    usage: "quantize FILE.onnx --data DATASET --out FILE.onnx",
    summary: "Make a smaller and faster model of 8-bit numbers.",
    load: () => import("./commands/quantize.ts"),
  },
  export: {
    usage: "export FILE.onnx --out DIR",
    summary: "Write a model for web pages (tfjs).",
    load: () => import("./commands/export.ts"),
  },
  synth: {
    usage: "synth DIR",
    summary: "Draw a labelled data set.",
    load: () => import("./commands/synth.ts"),
  },
  token: {
    usage: "token",
    summary: "Show the site key that joins machines.",
    load: () => import("./commands/token.ts"),
  },
  doctor: {
    usage: "doctor",
    summary: "Check what this machine has, and what keeps it from joining.",
    load: () => import("./commands/doctor.ts"),
  },
  check: {
    usage: "check --data DIR",
    summary: "Check a log of sightings, and mend it: --mend.",
    load: () => import("./commands/check.ts"),
  },
};
