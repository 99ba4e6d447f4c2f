import { expect, test } from "bun:test";
import { LargeStream } from "../../../roles/video/sources/large-stream.ts";
import { silentLog } from "../../../shared/base/log.ts";

test("a photo whose time is up before its turn comes is not made", async () => {
  const stream = new LargeStream(silentLog);
  stream.open("jpeg", undefined);
  const data = Buffer.from("a picture");
  const times = { timestamp: 0, arrivedMs: 1000, mediaMs: 0, takenMs: 1000, cameraClockAheadMs: undefined };
  stream.push({ data, isKey: true, packets: [], size: { width: 640, height: 480 }, ...times });
  expect(await stream.photo(1000)).toEqual({ width: 640, height: 480, jpeg: data });
  expect(await stream.photo(1000, 0)).toBeUndefined();
});
