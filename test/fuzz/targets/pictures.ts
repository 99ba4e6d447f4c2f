import { decodePicture, encodeJpeg } from "../../../shared/image/codec.ts";
import { readHeader } from "../../../shared/image/header.ts";
import { packetizeJpeg, rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { claim, type FuzzTarget, mutated } from "../target.ts";
import { jpegFile } from "./packets.ts";

const [width, height] = [24, 16];
const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) & 255);
const drawn = Buffer.from(await encodeJpeg({ width, height, data }, 80));

/** A file's header, and the file taken apart for RTP. */
const file: FuzzTarget = {
  name: "jpeg-file",
  refuses: "input",
  make: (random) => mutated(random, [jpegFile, drawn]),
  run(input) {
    const head = readHeader(input);
    const parts = rtpJpeg(input);
    if (parts !== undefined) {
      claim(
        packetizeJpeg(parts).every((payload) => payload.length <= 1400),
        "each payload fits a packet",
      );
    }
    const size = typeof head === "object" ? "a size" : String(head);
    return `${size}, ${parts === undefined ? "not for RTP" : "for RTP"}`;
  },
};

/** The pixels, by the decoder that the program uses. */
const pixels: FuzzTarget = {
  name: "jpeg-pixels",
  refuses: "input",
  make: (random) => mutated(random, [drawn]),
  async run(input) {
    const picture = await decodePicture(input, { maxSide: 64 });
    claim(picture.data.length === picture.width * picture.height * 3, "a picture has all its pixels");
    return "a picture";
  },
};

export const pictureTargets: readonly FuzzTarget[] = [file, pixels];
