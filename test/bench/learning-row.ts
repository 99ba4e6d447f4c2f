/** A row of the table that `learning.ts` prints: something that is learnt in some minutes, and how well it must be. */
export interface LearningRow {
  /** By which it is asked for. */
  readonly name: string;
  /** What the figure is: `mAP50`, `accuracy`. */
  readonly measure: string;
  readonly must: number;
  readonly goal: number;
  /** The same figure of the reference, where there is one. */
  readonly reference?: number;
  /** Seeds of the runs whose mean counts. */
  readonly seeds: readonly number[];
  /** Of one run. */
  readonly minutes: number;
  readonly run: (length: RunLength) => Promise<RunResult>;
}

/** What a run may take: the row's minutes, other minutes, or so many samples. */
export interface RunLength {
  readonly seed: number;
  readonly minutes: number;
  readonly samples?: number;
  /** A folder that keeps the model. */
  readonly keep?: string;
}

export interface RunResult {
  readonly value: number;
  /** More figures of the run, for the line of JSON and for readers: `{ map: 0.41, samples: 27000 }`. */
  readonly figures: Readonly<Record<string, number>>;
}
