/** Opens the engine named by its argument, prints what it got as JSON, and what it logged to standard error. */
import { errorKind, errorLine } from "../../../shared/base/errors.ts";
import { Log, stderrSink } from "../../../shared/base/log.ts";
import type { DeviceChoice } from "../../../shared/nn/engine.ts";
import { enginesFound, openEngine } from "../../../shared/nn/open-engine.ts";

const wanted = process.argv[2];
let answer: unknown;
if (wanted === "all") {
  answer = await enginesFound(1);
} else {
  try {
    const options = { device: wanted as DeviceChoice, threads: 1 };
    await using engine = await openEngine(options, new Log("test", [stderrSink]));
    answer = { name: engine.name, device: engine.device };
  } catch (error) {
    answer = { kind: errorKind(error), words: errorLine(error) };
  }
}
process.stdout.write(JSON.stringify(answer));
process.exit();
