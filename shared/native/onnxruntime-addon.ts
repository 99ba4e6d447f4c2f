/** Stands in the executable for `onnxruntime_binding.node`; the build puts it there. */
import set from "embedded:onnxruntime";
import { loadEmbeddedAddon } from "./addon.ts";

export default loadEmbeddedAddon(set);
