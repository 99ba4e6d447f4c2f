import type { Track } from "./tracker.ts";

/**
 * A class's threshold is chosen for single pictures. What is seen again and again on its way needs less in each of
 * them, since a model's mistakes seldom move with a thing: so much of the threshold, but not less than
 * `PATIENT_SCORE_MIN`. What stands still shows the model the same mistake in every look, and needs all of it.
 *
 * Of 104 visits to drawn cameras, watched with two briefly trained models (mAP50 0.62 and 0.88), 0.6 found 82% and 12%
 * of its sightings were false; 1 found 62% (11% false), 0.45 found 84% (17% false).
 */
const PATIENT_SHARE = 0.6;
const PATIENT_SCORE_MIN = 0.25;
/** Looks that must have found it before the lower threshold counts. */
const PATIENT_HITS = 5;

/** The lower threshold: a detection at least this sure may begin a track. */
export function patientThreshold(threshold: number): number {
  return Math.min(threshold, Math.max(PATIENT_SCORE_MIN, PATIENT_SHARE * threshold));
}

/**
 * Whether a track is certainly an object of its class: by the median of its last scores, after Frigate, in which a look
 * that did not find it counts 0. A few looks are enough at the class's own threshold; more, on its way, at the lower one.
 *
 * @param hitsMin looks that must have found it, at least
 */
export function isCertain({ scores, hits, hasMoved }: Track, threshold: number, hitsMin: number): boolean {
  if (hits < hitsMin) return false;
  const sorted = [...scores].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return median >= threshold || (hasMoved && hits >= PATIENT_HITS && median >= patientThreshold(threshold));
}
