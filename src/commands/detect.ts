import { mkdirSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, extname, join } from "node:path";
import { AppError, errorLine } from "../../shared/base/errors.ts";
import { replaceFile } from "../../shared/base/replace-file.ts";
import { countText } from "../../shared/base/text.ts";
import { type Model, openModel } from "../../shared/detect/model.ts";
import { decodePicture, readPictureFile } from "../../shared/image/codec.ts";
import { drawDetections } from "../../shared/image/draw.ts";
import { isPictureName, isVideoName } from "../../shared/image/endings.ts";
import { choiceFlag } from "../flags.ts";
import { MODEL_FLAGS, modelBytes } from "../model-flag.ts";
import { COMMON_FLAGS, type Command, type CommandContext, isSet, textOf } from "../shell.ts";

export const command: Command = {
  rest: true,
  definition: {
    meta: { name: "detect", description: "Find things on pictures: IMAGE or FOLDER, as many as you like." },
    args: {
      ...MODEL_FLAGS,
      out: {
        type: "string",
        valueHint: "DIR",
        description: "Write the pictures with boxes drawn on them here.",
      },
      device: { type: "string", valueHint: "auto|cpu|gpu", description: "What computes (auto)." },
      strict: { type: "boolean", description: "Stop at a picture that cannot be read." },
      json: { type: "boolean", description: "One JSON object a picture." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const pictures = (await Promise.all(flags._.map(picturesOf))).flat();
    if (pictures.length === 0) {
      throw new AppError("usage", "no picture was given", {
        hint: "vigia detect --model cells.onnx photo.jpg folder/ --out drawn/",
      });
    }
    const device = choiceFlag("device", textOf(flags, "device") ?? "auto", ["auto", "cpu", "gpu"]);
    const options = { device, threads: availableParallelism() };
    await using model = await openModel(await modelBytes(flags, context), options, context.log);
    const out = textOf(flags, "out");
    if (out !== undefined) mkdirSync(out, { recursive: true });
    const taken = new Set<string>();
    let unread = 0;
    for (const path of pictures) {
      if (context.signal.aborted) return;
      try {
        await detectOne(path, model, { out, taken, json: isSet(flags, "json"), context });
      } catch (error) {
        if (isSet(flags, "strict") || !(error instanceof AppError) || error.kind !== "input") throw error;
        unread++;
        context.log.warn("skipped a picture that cannot be read", { picture: path, why: errorLine(error) });
      }
    }
    if (unread === pictures.length) throw new AppError("input", "none of the pictures could be read");
    if (unread > 0) context.log.warn(`${countText(unread, "picture")} skipped`);
  },
};

async function detectOne(
  path: string,
  model: Model,
  {
    out,
    taken,
    json,
    context,
  }: { out: string | undefined; taken: Set<string>; json: boolean; context: CommandContext },
): Promise<void> {
  const picture = await decodePicture(await readPictureFile(path));
  const [found = []] = await model.detect([picture]);
  const named = found.map(({ classIndex, score, box }) => ({
    class: model.info.classes[classIndex] ?? `class ${classIndex}`,
    score: Number(score.toFixed(4)),
    box: box.map((side) => Number(side.toFixed(1))),
  }));
  if (json) {
    const { width, height } = picture;
    context.print(JSON.stringify({ image: path, width, height, detections: named }));
  } else {
    const counts = new Map<string, number>();
    for (const { class: name } of named) counts.set(name, (counts.get(name) ?? 0) + 1);
    const words = [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
    context.print(`${path}: ${words === "" ? "nothing" : words}`);
  }
  if (out === undefined) return;
  const labelled = found.map(({ classIndex, score, box }) => ({
    classIndex,
    label: model.info.classes[classIndex] ?? `class ${classIndex}`,
    score,
    box,
  }));
  const name = freeName(basename(path, extname(path)), taken);
  replaceFile(join(out, `${name}.jpg`), await drawDetections(picture, labelled));
}

/** Pictures of several folders, or of several endings, may have one name. */
function freeName(stem: string, taken: Set<string>): string {
  let name = stem;
  for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${stem}-${i}`;
  taken.add(name.toLowerCase());
  return name;
}

/** A picture, or the pictures of a folder in the order of their names. Throws `usage` for what is not there. */
async function picturesOf(path: string): Promise<string[]> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new AppError("usage", `there is no picture or folder ${path}`, {
      hint: "give pictures (.jpg, .png, .webp, ...) or folders of them",
    });
  if (!found.isDirectory() && isVideoName(path)) {
    throw new AppError("usage", `${path} is a video`, {
      hint: `watch it: vigia watch --model FILE clip=${path}`,
    });
  }
  if (!found.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => isPictureName(name))
    .sort()
    .map((name) => join(path, name));
}
