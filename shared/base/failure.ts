/**
 * What people are told of in their own language, with `about`: whoever shows one has words for each. The other failures
 * are told as they were written.
 */
export const FAILURE_KINDS = [
  // where something is kept
  "disk-full",
  "not-permitted",
  // of a camera; about: its address, the user, the request and its answer, what it offers, seconds, a file, a node
  "nothing-listens",
  "not-reached",
  "unknown-name",
  "no-answer",
  "closed",
  "password-wanted",
  "password-wrong",
  "not-allowed",
  "no-such-path",
  "busy",
  "other-answer",
  "no-video",
  "no-picture",
  "no-ffmpeg",
  "no-video-file",
  "no-node",
  // of a training job; about: the picture, the model, what the last worker said
  "client-left",
  "trainer-stopped",
  "wrong-label",
  "no-label",
  "no-usable-picture",
  "another-network",
  "no-able-worker",
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];

export interface Failure {
  readonly kind: FailureKind;
  /** What the words are about; empty where that is clear. */
  readonly about: string;
}

/** A failure as it travels and is kept. */
export interface ToldFailure {
  readonly kind: FailureKind | "other";
  readonly about: string;
  /** What went wrong and what to do, in one line of English. */
  readonly text: string;
}
