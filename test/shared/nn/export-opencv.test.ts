/** The file's other readers: OpenCV's own importer, which shares no code with onnxruntime, and ONNX's checker. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { encodeModelFile } from "../../../shared/nn/model-file.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { buildNetwork, type NetworkConfig } from "../../../shared/nn/networks/config.ts";
import { trainingExample } from "../../support/check-training.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { modelInfo } from "../../support/model-info.ts";
import { largestDifference } from "../../support/reference-network.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** The system's own: Debian's packages (python3-opencv, python3-onnx) are found by no other. */
const PYTHON = "/usr/bin/python3";

/** Whether Python has a module (`PYTHONPATH` counts). Tests that need a missing one are skipped and name it. */
function hasPython(module: string): boolean {
  if (!existsSync(PYTHON)) return false;
  return Bun.spawnSync([PYTHON, "-c", `import ${module}`]).exitCode === 0;
}

const configs: NetworkConfig[] = [
  { kind: "detector", size: 64, classCount: 3, variant: "small" },
  { kind: "single-box", size: 64, classCount: 3 },
  { kind: "mlp", classCount: 2, hidden: 8 },
];

/** Arguments: model, input (uint8 NHWC), its shape, output prefix, outputs' names. */
const RUN_OPENCV = `
import sys, cv2, numpy
model, images, shape, prefix, *names = sys.argv[1:]
pictures = numpy.fromfile(images, numpy.uint8).reshape([int(side) for side in shape.split(",")])
net = cv2.dnn.readNetFromONNX(model)
net.setInput(numpy.ascontiguousarray(pictures.transpose(0, 3, 1, 2).astype(numpy.float32)))
for name, output in zip(names, net.forward(names)):
    output.astype(numpy.float32).tofile(prefix + name)
`;

describe.skipIf(!hasPython("cv2"))("a model file in OpenCV (python3 with cv2)", () => {
  test.each(configs)("a $kind answers what the native engine answers", async (config) => {
    using folder = tempFolder();
    const network = buildNetwork(config);
    const { weights, pictures } = trainingExample(network, 1, 1);
    const [model, input] = [join(folder.path, "model.onnx"), join(folder.path, "input")];
    await Bun.write(model, encodeModelFile(modelInfo(config), weights));
    await Bun.write(input, pictures);
    const { channels, height, width } = network.input;
    const names = network.outputs.map(({ name }) => name);
    const prefix = join(folder.path, "output-");
    const shape = [1, height, width, channels].join();
    const python = Bun.spawnSync([PYTHON, "-c", RUN_OPENCV, model, input, shape, prefix, ...names]);
    expect(python.stderr.toString()).not.toContain("Traceback");

    await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
    await using predictor = await engine.predictor(network, weights, { batch: 1 });
    const native = await predictor.infer(pictures, 1);
    for (const [i, name] of names.entries()) {
      const theirs = new Float32Array(await Bun.file(`${prefix}${name}`).arrayBuffer());
      expect(largestDifference(theirs, native[i]!)).toBeLessThan(1e-3);
    }
  });
});

const CHECK_ONNX = `
import sys, onnx
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
print(",".join(sorted({opset.domain for opset in model.opset_import})))
`;

describe.skipIf(!hasPython("onnx"))("a model file before ONNX's checker (python3 with onnx)", () => {
  test.each(configs)("a $kind is whole, of the standard operators alone", async (config) => {
    using folder = tempFolder();
    const { weights } = trainingExample(buildNetwork(config), 1, 1);
    const model = join(folder.path, "model.onnx");
    await Bun.write(model, encodeModelFile(modelInfo(config), weights));
    const python = Bun.spawnSync([PYTHON, "-c", CHECK_ONNX, model]);
    expect(python.stderr.toString()).toBe("");
    expect(python.stdout.toString().trim()).toBe("");
  });
});
