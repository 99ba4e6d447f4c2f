import { join } from "node:path";
import { loadLibrary } from "./c-library.ts";
import { memoryFile } from "./memory-file.ts";
import { type EmbeddedSet, withExtracted } from "./store.ts";

/**
 * Loads a Node-API addon and the libraries it needs from the executable. The libraries are loaded first, one by one:
 * the loader then finds each under its own name, and no search path matters.
 *
 * @param set one `.node` file, and its libraries in the order to load them
 */
export function loadEmbeddedAddon(set: EmbeddedSet): unknown {
  const addon = set.files.find((file) => file.name.endsWith(".node"));
  if (addon === undefined) throw new Error(`${set.key} holds no addon`);
  const libraries = set.files.filter((file) => file !== addon);
  return withExtracted(
    set,
    (folder) => {
      // Windows looks beside the addon by itself.
      if (process.platform !== "win32") for (const { name } of libraries) loadLibrary(join(folder, name));
      return loadAddon(join(folder, addon.name));
    },
    {
      inMemory:
        process.platform === "linux"
          ? () => {
              for (const library of libraries) loadLibrary(memoryFile(library));
              return loadAddon(memoryFile(addon));
            }
          : undefined,
    },
  );
}

function loadAddon(path: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}
