/**
 * A million seeded inputs for each parser of RTSP, SDP, RTP, H.264, H.265 and JPEG, and for each message of the wire:
 * `npm run bench:fuzz [COUNT] [SEED]`. The tests run a small share of them. Ends with 1 where one crashes or hangs.
 */
import { execPath } from "node:process";

const [count = "1000000", seed = "1"] = process.argv.slice(2);
const child = Bun.spawn([execPath, "test", "test/fuzz", "--timeout", "3600000"], {
  env: { ...process.env, VIGIA_FUZZ: count, VIGIA_FUZZ_SEED: seed },
  stdio: ["ignore", "inherit", "inherit"],
});
const code = await child.exited;
process.stdout.write(
  `${JSON.stringify({ benchmark: "fuzz", inputs: Number(count), seed: Number(seed), code })}\n`,
);
process.exit(code);
