import { run } from "../../roles/video/main.ts";
import { AppError } from "../../shared/base/errors.ts";
import { namedValue } from "../flags.ts";
import { type Command, ROLE_FLAGS } from "../shell.ts";
import { addressFlag, PORTS, readyWriter, refuseDoubles, siteFor } from "./common.ts";

export const command: Command = {
  many: ["camera"],
  definition: {
    meta: {
      name: "--role video",
      description: "Reads cameras; hands their newest frames to testers, and to any RTSP player.",
    },
    args: {
      camera: {
        type: "string",
        valueHint: "NAME=SOURCE",
        description:
          "A camera: rtsp://..., a video file, a folder of pictures, or synthetic:SEED; or detect=rtsp://SMALL,record=rtsp://LARGE, two streams of one camera. Options at its end: yard.mp4?loop=1, rtsp://...#transport=udp. Several may be given.",
      },
      listen: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where testers connect (0.0.0.0:7710).",
      },
      rtsp: { type: "string", valueHint: "HOST:PORT", description: "Where players connect (0.0.0.0:8554)." },
      ...ROLE_FLAGS,
    },
  },
  async run(flags, context) {
    const cameras = (context.many.camera ?? []).map((text) => {
      const [name, source] = namedValue(text, "camera");
      return { name, source };
    });
    if (cameras.length === 0) {
      throw new AppError("usage", "no camera was given", {
        hint: "vigia --role video --camera gate=rtsp://user:password@192.168.1.20/stream1",
      });
    }
    refuseDoubles(cameras.map(({ name }) => name));
    await run(
      {
        site: await siteFor(flags, context),
        cameras,
        listen: addressFlag(flags, "listen", PORTS.video) ?? { host: "0.0.0.0", port: PORTS.video },
        rtsp: addressFlag(flags, "rtsp", PORTS.rtsp) ?? { host: "0.0.0.0", port: PORTS.rtsp },
        announce: true,
        ...readyWriter(flags),
      },
      context,
    );
  },
};
