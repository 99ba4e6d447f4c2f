/**
 * A million seeded inputs for each parser of RTSP, SDP, RTP, H.264, H.265 and JPEG, and for each message of the wire: `npm run bench:fuzz [COUNT] [SEED]`. The same
 * tests run a few thousand each time. Ends with 1 where one crashes, hangs or grows.
 */
const [count = "1000000", seed = "1"] = process.argv.slice(2);
const child = Bun.spawn([process.execPath, "test", "test/fuzz", "--timeout", "3600000"], {
  env: { ...process.env, VIGIA_FUZZ: count, VIGIA_FUZZ_SEED: seed },
  stdio: ["ignore", "inherit", "inherit"],
});
const code = await child.exited;
process.stdout.write(
  `${JSON.stringify({ benchmark: "fuzz", inputs: Number(count), seed: Number(seed), code })}\n`,
);
process.exit(code);
