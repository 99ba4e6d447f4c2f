import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinRegions, regionsAround } from "../../../../shared/detect/look/regions.ts";
import { type Box, boxArea } from "../../../../shared/detect/types.ts";

const FRAME = { width: 1920, height: 1080 };
const SIGHT = { sidePx: 320, small: 0.2, usual: 0.5 };

test("a small thing far away gets a square of the model's size about it", () => {
  expect(regionsAround([[1000, 500, 1040, 540]], FRAME, SIGHT)).toEqual([[860, 360, 1180, 680]]);
});

test("what the whole frame shows as large as the model learnt it gets none: closer it would look like something else", () => {
  const place: Box = [1000, 500, 1100, 540]; // a nineteenth of the frame's width
  expect(regionsAround([place], FRAME, { ...SIGHT, small: 0.05 })).toBeUndefined();
  expect(regionsAround([place], FRAME, { ...SIGHT, small: 0.06 })).toHaveLength(1);
});

test("a thing is shown no larger than half of those that the model learnt", () => {
  const [region] = regionsAround([[1000, 500, 1080, 540]], FRAME, { ...SIGHT, usual: 0.2 })!;
  expect(region![2] - region![0]).toBe(400);
});

test("at the frame's edge the square moves in", () => {
  expect(regionsAround([[0, 0, 30, 60]], FRAME, SIGHT)).toEqual([[0, 0, 320, 320]]);
  expect(regionsAround([[1900, 1060, 1920, 1080]], FRAME, SIGHT)).toEqual([[1600, 760, 1920, 1080]]);
});

test("things near one another share a square, those far apart have their own", () => {
  const near: Box[] = [
    [100, 100, 140, 180],
    [180, 120, 220, 190],
  ];
  expect(regionsAround(near, FRAME, SIGHT)).toHaveLength(1);
  expect(regionsAround([near[0]!, [1500, 800, 1540, 880]], FRAME, SIGHT)).toHaveLength(2);
});

test("what fills the frame, or is everywhere, is better seen whole", () => {
  expect(regionsAround([[200, 100, 1500, 900]], FRAME, SIGHT)).toBeUndefined();
  const everywhere = Array.from({ length: 12 }, (_, i): Box => {
    const [x, y] = [150 + 480 * (i % 4), 100 + 350 * Math.floor(i / 4)];
    return [x, y, x + 40, y + 60];
  });
  expect(regionsAround(everywhere, FRAME, SIGHT)).toBeUndefined();
});

test("every place lies in a region, every region in the frame, none smaller than the model (property)", () => {
  const place = fc
    .tuple(
      fc.integer({ min: 0, max: 1800 }),
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 1, max: 300 }),
    )
    .map(([x, y, side]): Box => [x, y, Math.min(1920, x + side), Math.min(1080, y + side)]);
  fc.assert(
    fc.property(fc.array(place, { maxLength: 8 }), (places) => {
      const regions = regionsAround(places, FRAME, SIGHT);
      if (regions === undefined) return;
      for (const [x1, y1, x2, y2] of places) {
        const isIn = regions.some(
          (r) => x1 >= r[0] - 1 && y1 >= r[1] - 1 && x2 <= r[2] + 1 && y2 <= r[3] + 1,
        );
        expect(isIn).toBe(true);
      }
      for (const region of regions) {
        expect(region[0] >= 0 && region[1] >= 0 && region[2] <= 1920 && region[3] <= 1080).toBe(true);
        expect(boxArea(region)).toBeGreaterThanOrEqual(319 * 319);
      }
    }),
    { seed: 6, numRuns: 300 },
  );
});

test("what a region's edge cuts is no detection, unless the edge is the frame's", () => {
  const region: Box = [0, 300, 320, 620];
  const thing = (box: Box) => ({ classIndex: 0, score: 0.9, box });
  const joined = joinRegions(
    [
      {
        region,
        detections: [thing([0, 350, 60, 450]), thing([280, 400, 320, 480]), thing([100, 300, 160, 360])],
      },
    ],
    FRAME,
  );
  expect(joined.detections.map(({ box }) => box)).toEqual([[0, 350, 60, 450]]);
  expect(joined.hasCut).toBe(true);
});

test("one thing in two regions is found once, and a part that one of them cut is known to be of it", () => {
  const thing = { classIndex: 0, score: 0.9, box: [250, 100, 310, 200] as Box };
  const looks = [
    { region: [200, 0, 520, 320] as Box, detections: [thing, { ...thing, score: 0.8 }] },
    {
      region: [0, 0, 290, 290] as Box,
      detections: [{ ...thing, score: 0.5, box: [250, 100, 290, 200] as Box }],
    },
  ];
  expect(joinRegions(looks, FRAME)).toEqual({ detections: [thing], hasCut: false });
});
