import type { OnnxBuilder } from "../onnx/builder.ts";
import type { Levels } from "./activations.ts";

/** Levels, and the name of the constants that hold them in a graph. */
export interface NamedLevels extends Levels {
  readonly name: string;
}

/** Names of the two constants. */
export function levelNames(name: string): { readonly scale: string; readonly zeroPoint: string } {
  return { scale: `${name}.scale`, zeroPoint: `${name}.zero_point` };
}

/** Name of the levels of the value at a node's place. */
export function valueName(place: number): string {
  return `value${place}`;
}

/** Writes the constants: the last two inputs of QuantizeLinear and of most 8-bit operators. */
export function levelConstants(b: OnnxBuilder, { scale, zeroPoint, name }: NamedLevels): [string, string] {
  const names = levelNames(name);
  return [
    b.weight(names.scale, [], Float32Array.of(scale)),
    b.tensor({ name: names.zeroPoint, type: "uint8", shape: [], data: Uint8Array.of(zeroPoint) }),
  ];
}
