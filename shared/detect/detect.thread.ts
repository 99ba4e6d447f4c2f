/** A thread of the detection pool: pictures in, detections out. One model at a time; requests are answered in order. */
import { AppError, errorLine } from "../base/errors.ts";
import { Log, stderrSink } from "../base/log.ts";
import { decodePicture } from "../image/codec.ts";
import { lookAt } from "./look/look-at.ts";
import { type Model, openModel } from "./model.ts";
import { Namer } from "./namer.ts";
import type { PoolReply, PoolRequest } from "./pool.ts";

declare const self: Worker;

const log = new Log("detect", [stderrSink], "warn");
let model: Model | undefined;
let modelLoading = 0;
let namer: Namer | undefined;
let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<PoolRequest>) => {
  last = last.then(() => answer(data));
};

async function answer(request: PoolRequest): Promise<void> {
  let reply: PoolReply;
  try {
    reply = await answerTo(request);
  } catch (error) {
    const hint = error instanceof AppError ? error.hint : undefined;
    reply = { kind: "failed", request: request.request, error: errorLine(error), hint };
  }
  self.postMessage(reply);
}

function answerTo(request: PoolRequest): Promise<PoolReply> {
  switch (request.kind) {
    case "load":
      return load(request);
    case "name":
      return nameWith(request);
    case "detect":
      return detect(request);
  }
}

async function load({
  request,
  loading,
  file,
  device,
}: Extract<PoolRequest, { kind: "load" }>): Promise<PoolReply> {
  // The old model goes only when the new one is known to work.
  const next = await openModel(file, { device, threads: 1, fast: true }, log);
  await model?.[Symbol.asyncDispose]();
  model = next;
  modelLoading = loading;
  return { kind: "loaded", request, info: next.info, engine: next.engineName };
}

async function nameWith({
  request,
  file,
  classes,
  device,
}: Extract<PoolRequest, { kind: "name" }>): Promise<PoolReply> {
  const next = await Namer.open(file, classes, { device, threads: 1 }, log);
  await namer?.[Symbol.asyncDispose]();
  namer = next;
  return { kind: "naming", request, people: next.people };
}

async function detect({
  request,
  jpeg,
  options: { regions, ...options },
}: Extract<PoolRequest, { kind: "detect" }>): Promise<PoolReply> {
  if (model === undefined) throw new AppError("bug", "a picture came before the model");
  const picture = await decodePicture(jpeg);
  const seen = await lookAt(model, picture, regions, options);
  const detections =
    namer === undefined ? seen.detections : await namer.name(picture, seen.detections, model.info.classes);
  const { width, height } = picture;
  return { kind: "detected", request, width, height, loading: modelLoading, detections, hasCut: seen.hasCut };
}
