import { resolve } from "node:path";

/** The program from source. */
export const MAIN = resolve(import.meta.dir, "../../src/main.ts");

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program as a user would, from source, in a process of its own. */
export async function vigia(...words: string[]): Promise<Outcome> {
  const child = Bun.spawn([process.execPath, MAIN, ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, out, err };
}
