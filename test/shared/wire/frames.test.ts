import { expect, test } from "bun:test";
import { Frame } from "../../../shared/wire/messages/frames.ts";

test("a glance whose bytes do not fill its sides is refused before anybody looks at it", () => {
  const frameWith = (width: number, height: number, sizeBytes: number): Buffer =>
    Frame.encode({
      camera: "gate",
      sequence: 0,
      capturedMs: 0,
      mediaMs: undefined,
      width: 640,
      height: 360,
      skipped: 0,
      cameraClockAheadMs: undefined,
      slide: undefined,
      glance: { width, height, grey: new Uint8Array(sizeBytes) },
      jpeg: new Uint8Array(0),
    });
  expect(Frame.decode(frameWith(4, 3, 12)).glance).toMatchObject({ width: 4, height: 3 });
  for (const [width, height, sizeBytes] of [
    [65_535, 65_535, 12],
    [4, 3, 11],
    [0, 0, 0],
  ] as const) {
    expect(() => Frame.decode(frameWith(width, height, sizeBytes))).toThrow();
  }
});
