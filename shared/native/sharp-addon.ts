/** Stands in the executable for `@img/sharp-PLATFORM/sharp.node`; the build puts it there. */
import set from "embedded:sharp";
import { loadEmbeddedAddon } from "./addon.ts";

export default loadEmbeddedAddon(set);
