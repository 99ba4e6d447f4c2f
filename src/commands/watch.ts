import { availableParallelism } from "node:os";
import { run as runTester } from "../../roles/tester/main.ts";
import { run as runVideo } from "../../roles/video/main.ts";
import { parseSource } from "../../roles/video/source-text.ts";
import { AppError } from "../../shared/base/errors.ts";
import { deferred } from "../../shared/base/wait.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { FACES_FLAGS, facesOptions } from "../faces-flags.ts";
import { choiceFlag, namedValue, numberFlag } from "../flags.ts";
import { KEEP_FLAGS, keepRules } from "../keep-flags.ts";
import { MODEL_FLAGS, modelChoice } from "../model-flag.ts";
import { addressFlag, PORTS, refuseDoubles, siteFor } from "../roles/common.ts";
import { RULES_FLAGS, watchRules } from "../rules-flag.ts";
import { COMMON_FLAGS, type Command, isSet, neededText, textOf } from "../shell.ts";
import { sightingJson, sightingText } from "../sighting-lines.ts";

const LOOPBACK: Address = { host: "127.0.0.1", port: 0 };

/** The one-machine form of the video and tester roles: both run here and speak the same protocol over loopback. */
export const command: Command = {
  rest: true,
  definition: {
    meta: {
      name: "watch",
      description:
        "Watch cameras or files on this machine: NAME=SOURCE, as many as you like. Prints a line a sighting.",
    },
    args: {
      ...MODEL_FLAGS,
      ...FACES_FLAGS,
      data: {
        type: "string",
        valueHint: "DIR",
        description: "Where the log and its photos are kept (vigia-data).",
      },
      fps: {
        type: "string",
        valueHint: "N",
        description: "Pictures of a live camera looked at each second (5).",
      },
      ...RULES_FLAGS,
      device: { type: "string", valueHint: "auto|cpu|gpu", description: "What computes (auto)." },
      ...KEEP_FLAGS,
      json: { type: "boolean", description: "One JSON object a line." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const model = modelChoice(neededText(flags, "model"));
    const faces = facesOptions(flags);
    const cameras = flags._.map((text) => {
      const [name, source] = namedValue(text, "camera");
      // Files go as fast as the machine can; what is live keeps its pace.
      const isFile = parseSource({ name, source }).kind === "path";
      return { name, source, ...(isFile && { options: { paced: "false" } }) };
    });
    if (cameras.length === 0) {
      throw new AppError("usage", "nothing to watch", {
        hint: "vigia watch --model cars.onnx street=street.mp4 gate=rtsp://user:password@192.168.1.20/stream1",
      });
    }
    refuseDoubles(cameras.map(({ name }) => name));
    const dataDir = textOf(flags, "data") ?? "vigia-data";
    const site = await siteFor(flags, context);

    // A live camera's sighting ends when the object leaves, perhaps hours from now: people are told when it comes.
    const said = new Set<number>();
    const sayOnce = ({ id, camera, className, score }: Sighting): void => {
      if (said.has(id)) return;
      said.add(id);
      context.log.info("came near", { what: className, camera, score: score.toFixed(2) });
    };

    const broken: string[] = [];
    // The tester ends when every file has; that must end the video part too.
    const ended = new AbortController();
    const signal = AbortSignal.any([context.signal, ended.signal]);
    const videoReady = deferred<Address>();
    const video = runVideo(
      {
        site,
        cameras,
        listen: LOOPBACK,
        announce: false,
        onBroken: (camera, why) => broken.push(`camera ${camera}: ${why}`),
        onReady: ({ address }) => videoReady.resolve(address),
      },
      { signal, log: context.log.child("video") },
    ).catch((error) => {
      videoReady.reject(error);
      throw error;
    });
    video.catch(() => {});
    try {
      const tester = runTester(
        {
          site,
          listen: LOOPBACK,
          dataDir,
          model,
          faces,
          trainer: addressFlag(flags, "trainer", PORTS.trainer),
          videos: [await videoReady.promise],
          device: choiceFlag("device", textOf(flags, "device") ?? "auto", ["auto", "cpu", "gpu"]),
          threads: Math.min(8, availableParallelism()),
          framesPerSecondMax: numberFlag("fps", textOf(flags, "fps"), 0.1, 60) ?? 5,
          ...watchRules(flags, dataDir),
          keep: keepRules(flags),
          announce: false,
          endWithCameras: true,
          onSighting(sighting) {
            if (!sighting.closed) return sayOnce(sighting);
            context.print(isSet(flags, "json") ? sightingJson(sighting, dataDir) : sightingText(sighting));
          },
        },
        { signal, log: context.log.child("tester") },
      );
      await Promise.race([tester, video.then(() => tester)]);
    } finally {
      ended.abort();
      await video;
    }
    if (broken.length > 0) throw new AppError("input", broken.join("; "));
  },
};
