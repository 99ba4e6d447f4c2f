import { expect, setDefaultTimeout, test } from "bun:test";
import { LargeStream } from "../../../roles/video/sources/large-stream.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { findFfmpeg } from "../../../shared/media/ffmpeg.ts";
import { codedOutOfOrder, shownAs } from "../../support/coded-pictures.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { has } from "../../support/tools.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test("a photo whose time is up before its turn comes is not made", async () => {
  const stream = new LargeStream(silentLog);
  stream.open("jpeg", undefined);
  const data = Buffer.from("a picture");
  const times = { timestamp: 0, arrivedMs: 1000, mediaMs: 0, takenMs: 1000, cameraClockAheadMs: undefined };
  stream.push({ data, isKey: true, isClean: true, packets: [], size: { width: 640, height: 480 }, ...times });
  expect(await stream.photo(1000)).toEqual({ width: 640, height: 480, jpeg: data });
  expect(await stream.photo(1000, 0)).toBeUndefined();
});

test.skipIf(!has("ffmpeg"))("a photo is the picture of its moment, also among B-pictures", async () => {
  const stream = new LargeStream(silentLog);
  stream.open("h264", await findFfmpeg());
  const { pictures, shown } = codedOutOfOrder();
  for (const [i, data] of pictures.entries()) {
    const mediaMs = 100 * shown[i]!;
    const times = { timestamp: 90 * mediaMs, arrivedMs: 0, mediaMs, takenMs: 1000 + mediaMs };
    stream.push({
      data,
      isKey: i === 0,
      isClean: i === 0,
      packets: [],
      cameraClockAheadMs: undefined,
      ...times,
    });
  }
  for (const place of [3, 4]) {
    const photo = await stream.photo(1000 + 100 * place, 10_000);
    expect(await shownAs(photo!.jpeg)).toBe(place);
  }
});
