/**
 * What a test may take that starts processes, threads or roles, or draws pictures, on a machine with other work: to be
 * given to `setDefaultTimeout` by each such file, since Bun forgets it after every file, also where a preload set it,
 * and has no setting for it but a flag. (`npm test` has the flag too: while all tests run, every one of them is slow.)
 */
export const BUSY_MACHINE_MS = 60_000;

/** The same of a test that computes for more than a few seconds by itself: beside other work it took 34 s. */
export const LONG_WORK_MS = 120_000;
