import { expect, setDefaultTimeout, test } from "bun:test";
import { Random } from "../../../../shared/base/random.ts";
import { forMotion, type GreyPicture } from "../../../../shared/detect/motion/grey.ts";
import { type Motion, MotionDetector } from "../../../../shared/detect/motion/motion-detector.ts";
import { BUSY_MACHINE_MS } from "../../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const [WIDTH, HEIGHT] = [160, 90];

/** A textured wall seen by a sensor with noise; `draw` changes it before the noise is added. */
class Sensor {
  readonly #random: Random;
  readonly #wall: Uint8Array;

  constructor(name: string) {
    this.#random = new Random(name);
    const [coarse, fine] = [new Random(name, "coarse"), new Random(name, "fine")];
    const patches = Array.from({ length: 16 * 9 }, () => coarse.between(60, 180));
    this.#wall = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
      const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
      return patches[Math.floor(y / 10) * 16 + Math.floor(x / 10)]! + fine.between(-8, 8);
    });
  }

  frame(draw: (level: number, x: number, y: number) => number = (level) => level): GreyPicture {
    const grey = Uint8ClampedArray.from(this.#wall, (level, i) => {
      return draw(level, i % WIDTH, Math.floor(i / WIDTH)) + 2 * this.#random.normal();
    });
    return { width: WIDTH, height: HEIGHT, grey: new Uint8Array(grey.buffer) };
  }
}

/** A detector that has seen its scene for three seconds. */
function settled(
  sensor: Sensor,
  masks?: ConstructorParameters<typeof MotionDetector>[0],
): {
  step: (picture: GreyPicture) => Motion;
} {
  const detector = new MotionDetector(masks);
  let atMs = 0;
  const step = (picture: GreyPicture): Motion => {
    atMs += 200;
    return detector.step(picture, atMs);
  };
  for (let i = 0; i < 15; i++) step(sensor.frame());
  return { step };
}

const bright =
  (left: number, top: number, width: number, height: number) => (level: number, x: number, y: number) =>
    x >= left && x < left + width && y >= top && y < top + height ? level + 60 : level;

test("it learns the scene first, and then a sensor's noise is no motion", () => {
  const sensor = new Sensor("noise");
  const detector = new MotionDetector();
  expect(detector.step(sensor.frame(), 0).kind).toBe("calibrating");
  const kinds = new Set<string>();
  for (let i = 1; i < 300; i++) {
    const { kind } = detector.step(sensor.frame(), 200 * i);
    if (i > 10) kinds.add(kind);
  }
  expect([...kinds]).toEqual(["still"]);
});

test("something small that crosses is motion at its place, and only there", () => {
  const sensor = new Sensor("crosses");
  const { step } = settled(sensor);
  for (let x = 10; x < 140; x += 6) {
    const { kind, boxes } = step(sensor.frame(bright(x, 40, 6, 12)));
    expect(kind).toBe("moving");
    const [left, top, right, bottom] = boxes[0]!;
    expect([left * WIDTH, right * WIDTH].map(Math.round)).toEqual([x, x + 6]);
    expect([top * HEIGHT, bottom * HEIGHT].map(Math.round)).toEqual([40, 52]);
  }
  expect(step(sensor.frame()).kind).toBe("still");
});

test("a lamp that is switched on is told from a thing, and from another scene", () => {
  const sensor = new Sensor("lamp");
  const { step } = settled(sensor);
  const lit = (level: number, x: number): number => (x < 120 ? 1.5 * level + 30 : level);
  expect(step(sensor.frame(lit)).kind).toBe("lights");
  const after = Array.from({ length: 15 }, () => step(sensor.frame(lit)).kind);
  expect(after.at(-1)).toBe("still");
  expect(step(new Sensor("another room").frame()).kind).toBe("cut");
});

test("a camera that switches to infrared still shows its scene: other greys for each material, its own lamp, noise", () => {
  for (const seed of ["yard", "shop", "barn"]) {
    const sensor = new Sensor(seed);
    const { step } = settled(sensor);
    const materials = new Random("materials", seed);
    // Without colours leaves and cloth shine, and what was light by day may be dark.
    const isLeaf = Array.from({ length: 16 * 9 }, () => materials.chance(0.35));
    const noise = new Random("noise", seed);
    const infrared = (level: number, x: number, y: number): number => {
      const away = Math.hypot(x - WIDTH / 2, y - HEIGHT / 2) / 92;
      const shines = isLeaf[16 * Math.floor(y / 10) + Math.floor(x / 10)] === true;
      const reflected = shines ? 150 - 0.3 * (level - 120) : 0.6 * level + 20;
      return reflected * (1.2 - 0.9 * away) + 2 * noise.normal();
    };
    expect(step(sensor.frame(infrared)).kind).toBe("lights");
    const after = Array.from({ length: 15 }, () => step(sensor.frame(infrared)).kind);
    expect([after.includes("cut"), after.at(-1)]).toEqual([false, "still"]);
    // By its lamp it sees who comes.
    expect(
      step(sensor.frame((level, x, y) => bright(70, 40, 12, 20)(infrared(level, x, y), x, y))).kind,
    ).toBe("moving");
  }
});

test("another scene is one also where both are plain walls that differ in brightness and a few things", () => {
  const random = new Random("plain");
  const wall = (level: number, left: number): GreyPicture => {
    const grey = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
      const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
      const isThing = x >= left && x < left + 40 && y > 20 && y < 70;
      return level + (isThing ? 70 : 0) + 2 * random.normal();
    });
    return { width: WIDTH, height: HEIGHT, grey };
  };
  const detector = new MotionDetector();
  for (let i = 0; i < 15; i++) detector.step(wall(50, 20), 200 * i);
  expect(detector.step(wall(110, 90), 3000).kind).toBe("cut");
});

test("a cloud that dims everything evenly is nothing at all", () => {
  const sensor = new Sensor("cloud");
  const { step } = settled(sensor);
  const kinds = Array.from({ length: 10 }, () => step(sensor.frame((level) => level - 30)).kind);
  expect(new Set(kinds)).toEqual(new Set(["still"]));
});

test("what stops is no motion for ever: it becomes part of the background", () => {
  const sensor = new Sensor("parks");
  const { step } = settled(sensor);
  const parked = bright(50, 30, 30, 20);
  expect(step(sensor.frame(parked)).kind).toBe("moving");
  const picture = sensor.frame(parked);
  for (let i = 0; i < 500; i++) step(picture);
  expect(step(picture).kind).toBe("still");
});

test("under a mask nothing moves", () => {
  const sensor = new Sensor("mask");
  const { step } = settled(sensor, [(x) => x < 0.5]);
  expect(step(sensor.frame(bright(20, 30, 20, 20))).kind).toBe("still");
  expect(step(sensor.frame(bright(100, 30, 20, 20))).kind).toBe("moving");
});

test("a large glance is made small by averaging", () => {
  const grey = Uint8Array.from({ length: 320 * 180 }, (_, i) => (i % 2 === 0 ? 0 : 200));
  const small = forMotion({ width: 320, height: 180, grey });
  expect([small.width, small.height]).toEqual([160, 90]);
  expect(new Set(small.grey)).toEqual(new Set([100]));
});
