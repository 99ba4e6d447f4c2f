/** 1 / (1 + e^-x), without overflow. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** ln(1 + e^x), without overflow; its derivative is the sigmoid. */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** The inverse of the sigmoid; infinite at 0 and 1. */
export function logit(share: number): number {
  return Math.log(share / (1 - share));
}

/** Cross-entropy of a logit against a target of 0 to 1; its derivative is sigmoid(x) - target. */
export function binaryCrossEntropy(x: number, target: number): number {
  return softplus(x) - x * target;
}
