/** A thread of the detection pool: pictures in, detections out. One model at a time; requests are answered in order. */
import { AppError, errorLine } from "../base/errors.ts";
import { Log, stderrSink } from "../base/log.ts";
import { decodePicture } from "../image/codec.ts";
import type { Picture } from "../image/types.ts";
import { lookAt } from "./look/look-at.ts";
import { type Model, openModel } from "./model.ts";
import { Namer } from "./namer.ts";
import type { PoolReply, PoolRequest } from "./pool.ts";

declare const self: Worker;

const log = new Log("detect", [stderrSink], "warn");
let model: Model | undefined;
let modelLoading = 0;
let namer: Namer | undefined;
/** When the request that came last is answered, and the one before it. */
let last: Promise<void> = Promise.resolve();
let lastButOne: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<PoolRequest>) => {
  // While the model looks at one picture the next is decoded, on another thread, and no more than that one.
  const picture = data.kind === "detect" ? lastButOne.then(() => decodePicture(data.jpeg)) : undefined;
  picture?.catch(() => {}); // seen when its turn comes
  lastButOne = last;
  last = last.then(() => answer(data, picture));
};

async function answer(request: PoolRequest, picture: Promise<Picture> | undefined): Promise<void> {
  let reply: PoolReply;
  try {
    reply = await answerTo(request, picture);
  } catch (error) {
    const hint = error instanceof AppError ? error.hint : undefined;
    reply = { kind: "failed", request: request.request, error: errorLine(error), hint };
  }
  self.postMessage(reply);
}

function answerTo(request: PoolRequest, picture: Promise<Picture> | undefined): Promise<PoolReply> {
  switch (request.kind) {
    case "load":
      return load(request);
    case "name":
      return nameWith(request);
    case "detect":
      return detect(request, picture);
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

async function detect(
  { request, options: { regions, ...options } }: Extract<PoolRequest, { kind: "detect" }>,
  decoded: Promise<Picture> | undefined,
): Promise<PoolReply> {
  const picture = await decoded;
  if (model === undefined || picture === undefined)
    throw new AppError("bug", "a picture came before the model");
  const seen = await lookAt(model, picture, regions, options);
  const detections =
    namer === undefined ? seen.detections : await namer.name(picture, seen.detections, model.info.classes);
  const { width, height } = picture;
  return { kind: "detected", request, width, height, loading: modelLoading, detections, hasCut: seen.hasCut };
}
