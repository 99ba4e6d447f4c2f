/** The few functions of the C library that Bun has no name for. Loaded on first use; not on Windows. */

const RTLD_NOW = 2;

/**
 * Loads a shared library for good: whatever is loaded later and needs it finds it by its own name.
 *
 * @throws {Error} with the dynamic loader's words
 */
export function loadLibrary(path: string): void {
  const { dlopen, dlerror } = functions();
  // `dlerror` gives the words of the last failure of this thread, and forgets them.
  dlerror();
  if (dlopen(cText(path), RTLD_NOW) === null)
    throw new Error(String(dlerror() ?? `${path} cannot be loaded`));
}

/**
 * Makes an anonymous file in memory and returns its descriptor (memfd_create(2), Linux only).
 *
 * @param label shown in /proc, of no other meaning
 */
export function createMemoryFile(label: string): number {
  const handle = functions().memfd_create?.(cText(label), 0) ?? -1;
  if (handle < 0) throw new Error("memfd_create failed");
  return handle;
}

type Functions = ReturnType<typeof open>;

let opened: Functions | undefined;

function functions(): Functions {
  opened ??= open();
  return opened;
}

function open() {
  const ffi = require("bun:ffi") as typeof import("bun:ffi");
  const { cstring, i32, u32, ptr } = ffi.FFIType;
  const loader = {
    dlopen: { args: [cstring, i32], returns: ptr },
    dlerror: { args: [], returns: cstring },
  } as const;
  if (process.platform === "darwin") {
    return { ...ffi.dlopen("/usr/lib/libSystem.B.dylib", loader).symbols, memfd_create: undefined };
  }
  const memory = { memfd_create: { args: [cstring, u32], returns: i32 } } as const;
  const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
  // Before version 2.34, glibc kept the loader's functions in a library of their own.
  for (const [forLoader, forMemory] of [
    ["libc.so.6", "libc.so.6"],
    ["libdl.so.2", "libc.so.6"],
    [musl, musl],
  ] as const) {
    try {
      return { ...ffi.dlopen(forLoader, loader).symbols, ...ffi.dlopen(forMemory, memory).symbols };
    } catch {
      // Another C library, then.
    }
  }
  throw new Error("no known C library is on this machine");
}

function cText(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}
