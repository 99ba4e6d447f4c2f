import type { Log } from "../../shared/base/log.ts";

/** Opens a page in the user's browser; where there is none, the printed address must do. */
export function openInBrowser(address: string, log: Log): void {
  const words =
    process.platform === "darwin"
      ? ["open", address]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", address]
        : ["xdg-open", address];
  try {
    Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).unref();
  } catch (error) {
    log.debug("no browser was opened", { error });
  }
}
