import { AppError } from "../../../base/errors.ts";
import type { Art } from "./art.ts";
import { apple, banana, orange } from "./fruit.ts";
import { parrot, perchedParrot } from "./parrot.ts";
import { person } from "./person.ts";
import { cat, dog, sittingCat } from "./pets.ts";
import { bottle, cup } from "./tableware.ts";
import { bicycle, motorbike } from "./two-wheelers.ts";
import { bus, car, truck } from "./vehicles.ts";

/** The drawings of each class, the most common first. */
const THINGS: Readonly<Record<string, readonly Art[]>> = {
  car: [car],
  bus: [bus],
  bicycle: [bicycle],
  orange: [orange],
  banana: [banana],
  parrot: [parrot, perchedParrot],
  dog: [dog],
  person: [person],
  cat: [cat, sittingCat],
  apple: [apple],
  truck: [truck],
  bottle: [bottle],
  cup: [cup],
  motorbike: [motorbike],
};

/** The classes that can be drawn, the demo's first: the first N of them are what `--classes N` means. */
export const SYNTHETIC_CLASSES: readonly string[] = Object.keys(THINGS);

/**
 * The first `count` classes.
 *
 * @throws {AppError} `usage` when there are fewer
 */
export function syntheticClasses(count: number): readonly string[] {
  if (Number.isInteger(count) && count >= 1 && count <= SYNTHETIC_CLASSES.length)
    return SYNTHETIC_CLASSES.slice(0, count);
  throw new AppError("usage", `${count} classes of drawn things are not to be had`, {
    hint: `give a number from 1 to ${SYNTHETIC_CLASSES.length}`,
  });
}

/** @throws {AppError} `usage` for a class that nobody drew */
export function artsOf(className: string): readonly Art[] {
  const arts = Object.hasOwn(THINGS, className) ? THINGS[className] : undefined;
  if (arts !== undefined) return arts;
  throw new AppError("usage", `there is no drawing of "${className}"`, {
    hint: `the classes that can be drawn are: ${SYNTHETIC_CLASSES.join(", ")}`,
  });
}
