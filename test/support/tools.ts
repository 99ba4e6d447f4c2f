/** Whether a program that a test needs is on this machine. Tests that need a missing one are skipped and name it. */
export function has(program: string): boolean {
  return Bun.which(program) !== null;
}
