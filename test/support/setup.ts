/** Before every test file: a limit that fits real processes on a busy machine (bunfig's own `timeout` does nothing). */
import { setDefaultTimeout } from "bun:test";

setDefaultTimeout(30_000);
