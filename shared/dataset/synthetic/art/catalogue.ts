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
 * The classes meant by names, or by how many of the first.
 *
 * @throws {AppError} `usage` for none, for more than there are, and for a name that nobody drew
 */
export function syntheticClasses(wanted: number | readonly string[]): readonly string[] {
  if (typeof wanted !== "number") {
    if (wanted.length === 0) throw new AppError("usage", "no class of things to draw was named");
    for (const name of wanted) artsOf(name);
    return wanted;
  }
  const most = SYNTHETIC_CLASSES.length;
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= most) return SYNTHETIC_CLASSES.slice(0, wanted);
  throw new AppError("usage", `Vigía can draw 1 to ${most} classes of things, not ${wanted}`, {
    hint: `they are, in this order: ${SYNTHETIC_CLASSES.join(", ")}`,
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
