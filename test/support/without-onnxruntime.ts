/** Preloaded into a program, it makes onnxruntime fail to load there, as on a machine that has none. */
import { plugin } from "bun";

plugin({
  name: "without onnxruntime",
  setup(build) {
    build.module("onnxruntime-node", () => {
      throw new Error("libonnxruntime.so.1: cannot open shared object file");
    });
  },
});
