import type { Subprocess } from "bun";
import { AppError } from "../../shared/base/errors.ts";

/** The one number that a measuring process prints. Throws when it failed, or printed none: nothing is no figure. */
export async function figureOf({ stdout, exited }: Subprocess<"ignore", "pipe", "inherit">): Promise<number> {
  const text = await new Response(stdout).text();
  const code = await exited;
  const figure = Number(text);
  if (code !== 0 || text.trim() === "" || !Number.isFinite(figure)) {
    throw new AppError(
      "bug",
      `a measuring process ended with ${code} and printed "${text.trim().slice(0, 100)}"`,
    );
  }
  return figure;
}
