import { Random } from "../base/random.ts";
import type { Parameter, ParameterLayout } from "../nn/graph.ts";
import { buildNetwork, type NetworkConfig } from "../nn/networks/config.ts";
import type { LearningPlan } from "./plan.ts";

/** A model to go on from. */
export interface ParentModel {
  readonly network: NetworkConfig;
  readonly classes: readonly string[];
  readonly weights: Float32Array;
}

/**
 * The weights that a run begins with: drawn from the plan's seed, or with a parent its weights wherever a parameter
 * has the same name and shape. What the last layer learnt of a class goes to the class of the same name, so a parent
 * may know other classes, in another order, and be of another size.
 */
export function startWeights(plan: LearningPlan, parent?: ParentModel): Float32Array {
  const layout = buildNetwork(plan.network).parameters;
  const weights = layout.start((name) => new Random(plan.seed, "start", name));
  if (parent !== undefined) inherit(layout, weights, plan, parent);
  return weights;
}

/** Parameters of the last layer for classes, and which of their axes counts the classes. */
const CLASS_AXIS: Readonly<Record<string, number>> = {
  "predict.class.weight": 0,
  "predict.class.bias": 0,
  "class2.weight": 1,
  "class2.bias": 0,
  "output.weight": 1,
  "output.bias": 0,
};

function inherit(
  layout: ParameterLayout,
  weights: Float32Array,
  plan: LearningPlan,
  parent: ParentModel,
): void {
  const old = buildNetwork(parent.network).parameters;
  for (const parameter of layout.list) {
    if (!old.has(parameter.name)) continue;
    const from = old.get(parameter.name);
    const to = weights.subarray(parameter.offset, parameter.offset + parameter.size);
    const values = old.slice(parent.weights, parameter.name);
    const axis = CLASS_AXIS[parameter.name];
    if (axis !== undefined)
      inheritClasses({ parameter, to, from, values, axis }, plan.classes, parent.classes);
    else if (from.shape.join() === parameter.shape.join()) to.set(values);
  }
}

interface ClassParameter {
  readonly parameter: Parameter;
  readonly to: Float32Array;
  readonly from: Parameter;
  readonly values: Float32Array;
  readonly axis: number;
}

function inheritClasses(
  { parameter, to, from, values, axis }: ClassParameter,
  classes: readonly string[],
  oldClasses: readonly string[],
): void {
  const count = parameter.shape[axis]!;
  const oldCount = from.shape[axis]!;
  // Two people share one output, which says nothing of either alone.
  if (count !== classes.length || oldCount !== oldClasses.length) return;
  const others = parameter.size / count;
  if (others !== from.size / oldCount) return;
  // One class's numbers lie together (axis 0 of several), or one in each row (the last axis).
  const together = axis === 0;
  classes.forEach((name, c) => {
    const oldC = oldClasses.indexOf(name);
    if (oldC < 0) return;
    for (let i = 0; i < others; i++) {
      const at = together ? c * others + i : i * count + c;
      to[at] = values[together ? oldC * others + i : i * oldCount + oldC]!;
    }
  });
}
