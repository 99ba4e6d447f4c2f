/**
 * onnxruntime's C interface, as far as training needs it. The npm package's own binding copies every output into a
 * fresh ArrayBuffer, even one that was written into memory it was given: for the values that a training step keeps
 * between its two graphs that is 100 MB a step. Through the C interface of the same library nothing is copied.
 *
 * Functions are places in the OrtApi table (onnxruntime_c_api.h), which only ever grows at its end.
 */
import type { Pointer } from "bun:ffi";
import { AppError } from "../../base/errors.ts";
import type { SessionOptions } from "./runtime.ts";

type Ffi = typeof import("bun:ffi");

/** Names under which the library is found once the addon has loaded it. */
const LIBRARY_NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "@rpath/libonnxruntime.1.dylib",
  win32: "onnxruntime.dll",
};

const API_VERSION = 17;
/** Only warnings and worse would be level 2; those are about our graphs, not about the user's machine. */
const LOG_ERRORS = 3;
const OPTIMIZE_ALL = 99;
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;
const TENSOR_SIDES_MAX = 8;

/** Place in the table, arguments; all but the `release` functions answer a status, null for success. */
const FUNCTIONS = {
  getErrorMessage: [2, ["ptr"], "ptr"],
  createEnv: [3, ["i32", "ptr", "ptr"], "ptr"],
  createSessionFromArray: [8, ["ptr", "ptr", "u64", "ptr", "ptr"], "ptr"],
  run: [9, ["ptr", "ptr", "ptr", "ptr", "u64", "ptr", "u64", "ptr"], "ptr"],
  createSessionOptions: [10, ["ptr"], "ptr"],
  enableProfiling: [14, ["ptr", "ptr"], "ptr"],
  disableMemoryPattern: [17, ["ptr"], "ptr"],
  setLogSeverity: [22, ["ptr", "i32"], "ptr"],
  setOptimization: [23, ["ptr", "i32"], "ptr"],
  setIntraThreads: [24, ["ptr", "i32"], "ptr"],
  setInterThreads: [25, ["ptr", "i32"], "ptr"],
  createTensorWithData: [49, ["ptr", "ptr", "u64", "ptr", "u64", "i32", "ptr"], "ptr"],
  createCpuMemoryInfo: [69, ["i32", "i32", "ptr"], "ptr"],
  releaseStatus: [93, ["ptr"], "void"],
  releaseSession: [95, ["ptr"], "void"],
  releaseValue: [96, ["ptr"], "void"],
  releaseSessionOptions: [100, ["ptr"], "void"],
} as const;

type Name = keyof typeof FUNCTIONS;
type Argument = Pointer | number | null;
type Bound = (...given: Argument[]) => Pointer | null;

/** A pointer to memory of the library. */
export type Handle = Pointer;

/** The library's functions, and what all sessions share. */
export class CApi {
  readonly #ffi: Ffi;
  readonly #functions = new Map<Name, Bound>();
  readonly #env: Handle;
  readonly #memory: Handle;
  /** Where a call leaves the handle it makes, and finds the sides of a tensor. */
  readonly #out = fixedTable(1);
  readonly #sides = fixedTable(TENSOR_SIDES_MAX);
  /**
   * What a running call reads. An address keeps nothing alive: the collector may take an array between the taking of
   * its address and the call, unless somebody holds it.
   */
  readonly #held = new Set<NodeJS.TypedArray>();

  private constructor(ffi: Ffi, table: Handle) {
    this.#ffi = ffi;
    for (const [name, [place, args, returns]] of Object.entries(FUNCTIONS)) {
      const at = ffi.read.ptr(table, place * 8) as Handle;
      const bound = ffi.CFunction({ ptr: at, args: [...args], returns });
      this.#functions.set(name as Name, bound as unknown as Bound);
    }
    this.#env = this.#make((out) => this.call("createEnv", LOG_ERRORS, this.#hold(cText("vigia")), out));
    this.#memory = this.#make((out) =>
      this.call("createCpuMemoryInfo", ARENA_ALLOCATOR, DEFAULT_MEMORY, out),
    );
  }

  /** Undefined where the library cannot be reached this way; the addon's copying `run` then has to do. */
  static open(): CApi | undefined {
    const name = LIBRARY_NAMES[process.platform];
    if (name === undefined || typeof Bun === "undefined") return undefined;
    try {
      const ffi = require("bun:ffi") as Ffi;
      const { symbols } = ffi.dlopen(name, { OrtGetApiBase: { args: [], returns: "ptr" } });
      const base = symbols.OrtGetApiBase() as Handle;
      const getApi = ffi.CFunction({ ptr: ffi.read.ptr(base, 0) as Handle, args: ["u32"], returns: "ptr" });
      const table = getApi(API_VERSION) as Handle | null;
      return table === null ? undefined : new CApi(ffi, table);
    } catch {
      return undefined;
    }
  }

  /** Calls a function of the table. Throws `bug` with the library's words where it fails. */
  call(name: Name, ...given: Argument[]): void {
    const status = this.#functions.get(name)!(...given);
    if (status === null || FUNCTIONS[name][2] === "void") return;
    const message = new this.#ffi.CString(this.#functions.get("getErrorMessage")!(status)!).toString();
    this.#functions.get("releaseStatus")!(status);
    throw new AppError("bug", `onnxruntime: ${message}`);
  }

  /** Where a typed array's numbers lie. The array must outlive every use of the address. */
  address(data: NodeJS.TypedArray): Handle {
    return this.#ffi.ptr(data);
  }

  openSession(
    model: Uint8Array,
    { threads, profilePrefix, planned = true }: Pick<SessionOptions, "threads" | "profilePrefix" | "planned">,
  ): Handle {
    const options = this.#make((out) => this.call("createSessionOptions", out));
    try {
      this.call("setLogSeverity", options, LOG_ERRORS);
      this.call("setOptimization", options, OPTIMIZE_ALL);
      this.call("setIntraThreads", options, threads);
      this.call("setInterThreads", options, 1);
      if (!planned) this.call("disableMemoryPattern", options);
      if (profilePrefix !== undefined) {
        this.call("enableProfiling", options, this.#hold(cText(profilePrefix)));
      }
      const bytes = this.#hold(model);
      return this.#make((out) =>
        this.call("createSessionFromArray", this.#env, bytes, model.length, options, out),
      );
    } finally {
      this.call("releaseSessionOptions", options);
    }
  }

  /** A tensor over existing memory. */
  tensor(data: NodeJS.TypedArray, shape: readonly number[], type: number): Handle {
    if (shape.length > TENSOR_SIDES_MAX) throw new AppError("bug", `a tensor of ${shape.length} sides`);
    this.#sides.set(shape.map(BigInt));
    const [bytes, at] = [this.#hold(data), this.address(this.#sides)];
    return this.#make((out) =>
      this.call("createTensorWithData", this.#memory, bytes, data.byteLength, at, shape.length, type, out),
    );
  }

  #hold(data: NodeJS.TypedArray): Handle {
    this.#held.add(data);
    return this.address(data);
  }

  #make(create: (out: Handle) => void): Handle {
    try {
      create(this.address(this.#out));
    } finally {
      this.#held.clear();
    }
    return Number(this.#out[0]) as Handle;
  }
}

/**
 * A text as C holds it. Like all memory whose address is kept here, it has an ArrayBuffer of its own: a small typed
 * array without one lives elsewhere until somebody asks for its `buffer`, and moves then.
 */
export function cText(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const fixed = new Uint8Array(new ArrayBuffer(bytes.length));
  fixed.set(bytes);
  return fixed;
}

/** Room for addresses. */
export function fixedTable(count: number): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(8 * count));
}
