import { lossOfOneStep } from "./native-program.ts";

postMessage(await lossOfOneStep());
