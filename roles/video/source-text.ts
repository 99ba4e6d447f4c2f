import { AppError } from "../../shared/base/errors.ts";
import { parseRtspUrl } from "../../shared/rtsp/url.ts";

/** A camera as the command line names it. */
export interface CameraSpec {
  readonly name: string;
  /** The source as text, options at its end; see the README. */
  readonly source: string;
  /** Options that override those in the text: `{ paced: "false" }`. */
  readonly options?: Readonly<Record<string, string>>;
}

/** A source's text, taken apart. */
export type Source =
  | {
      readonly kind: "synthetic";
      readonly seed: number;
      readonly classes: number;
      readonly width: number;
      readonly height: number;
      /** The scene ends after this much of its own time. */
      readonly durationMs: number | undefined;
      readonly fps: number;
      readonly paced: boolean;
      readonly toAllTesters: boolean;
    }
  | {
      readonly kind: "rtsp";
      readonly url: string;
      readonly transport: "tcp" | "udp";
      readonly hwaccel: string | undefined;
      /** The camera's larger stream, for photos and players. */
      readonly record: { readonly url: string; readonly transport: "tcp" | "udp" } | undefined;
      readonly toAllTesters: boolean;
    }
  | {
      readonly kind: "path";
      readonly path: string;
      /** Frames a second; a video's own rate when absent. */
      readonly fps: number | undefined;
      /** How long each picture of a folder is shown. */
      readonly secondsEach: number;
      readonly loop: boolean;
      readonly paced: boolean;
      readonly hwaccel: string | undefined;
      readonly toAllTesters: boolean;
    };

const OPTION_NAMES = {
  synthetic: ["fps", "classes", "size", "duration", "paced", "testers"],
  rtsp: ["transport", "hwaccel", "testers"],
  path: ["fps", "seconds", "loop", "paced", "hwaccel", "testers"],
} as const;

/**
 * Reads a source. Options stand at its end: `?key=value&key=value`, and after `#` for RTSP, whose query belongs to
 * the camera.
 *
 * @throws {AppError} `usage` that names the option and what it may be
 */
export function parseSource({ name, source, options = {} }: CameraSpec): Source {
  if (/^(detect|record)=/i.test(source)) return parseStreams({ name, source, options });
  const kind = /^rtsps?:\/\//i.test(source) ? "rtsp" : /^synthetic(:|$)/i.test(source) ? "synthetic" : "path";
  const { text, found } = splitOptions(source, kind);
  const option = new Options(name, kind, { ...found, ...options });
  if (kind === "rtsp") {
    checkRtspUrl(name, text);
    return {
      kind,
      url: text,
      transport: option.word("transport", ["tcp", "udp"], "tcp"),
      hwaccel: option.text("hwaccel"),
      record: undefined,
      toAllTesters: option.toAllTesters(),
    };
  }
  if (kind === "synthetic") {
    const seed = text.slice("synthetic:".length);
    if (!/^\d{1,9}$/.test(seed)) {
      throw new AppError("usage", `camera ${name}: ${JSON.stringify(source)} has no seed`, {
        hint: "write a number, such as synthetic:1",
      });
    }
    const [width, height] = option.size("size", [640, 360]);
    const seconds = option.number("duration", 0.001, 1e7);
    return {
      kind,
      seed: Number(seed),
      classes: option.number("classes", 1, 1000) ?? 3,
      width,
      height,
      durationMs: seconds === undefined ? undefined : seconds * 1000,
      fps: option.number("fps", 0.01, 120) ?? 10,
      paced: option.flag("paced", true),
      toAllTesters: option.toAllTesters(),
    };
  }
  if (text === "") {
    throw new AppError("usage", `camera ${name} has no source`, {
      hint: "write NAME=SOURCE: rtsp://..., a video file, a folder of pictures, or synthetic:1",
    });
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new AppError(
      "usage",
      `camera ${name}: Vigía does not read ${text.slice(0, text.indexOf(":"))} sources`,
      {
        hint: "give an rtsp:// or rtsps:// address, a video file, a folder of pictures, or synthetic:1",
      },
    );
  }
  return {
    kind,
    path: text,
    fps: option.number("fps", 0.01, 240),
    secondsEach: option.number("seconds", 0.01, 86_400) ?? 2,
    loop: option.flag("loop", false),
    paced: option.flag("paced", true),
    hwaccel: option.text("hwaccel"),
    toAllTesters: option.toAllTesters(),
  };
}

/** `detect=rtsp://...,record=rtsp://...`: two streams of one camera, in any order; either may have options of its own. */
function parseStreams({ name, source, options }: CameraSpec): Source {
  const parts = source.split(/,(?=(?:detect|record)=)/i).map((part) => {
    const equals = part.indexOf("=");
    return [part.slice(0, equals).toLowerCase(), part.slice(equals + 1)] as const;
  });
  const streams = new Map(parts);
  const [detect, record] = [streams.get("detect"), streams.get("record")];
  const areTwo = parts.length === 2 && detect !== undefined && record !== undefined;
  const small = areTwo ? parseSource({ name, source: detect, ...(options && { options }) }) : undefined;
  const large = areTwo ? parseSource({ name, source: record }) : undefined;
  if (small?.kind !== "rtsp" || large?.kind !== "rtsp") {
    throw new AppError("usage", `camera ${name}: two streams of a camera are two RTSP addresses`, {
      hint: "write NAME=detect=rtsp://.../small,record=rtsp://.../large",
    });
  }
  return { ...small, record: { url: large.url, transport: large.transport } };
}

/** Text without its password, for logs and pages. A password may hold slashes, so all up to the last @ goes. */
export function withoutPassword(source: string): string {
  if (/^(detect|record)=/i.test(source)) {
    const parts = source.split(/,(?=(?:detect|record)=)/i);
    return parts.map((part) => part.replace(/(?<==).*/s, (url) => withoutPassword(url))).join(",");
  }
  if (!/^rtsps?:/i.test(source)) return source;
  try {
    const { user, password, requestUri } = parseRtspUrl(source);
    const login = user === undefined ? "" : password === "" ? `${user}@` : `${user}:***@`;
    return requestUri.replace("://", `://${login}`);
  } catch {
    return source.replace(/^(rtsps?:\/\/).*@/is, "$1***@");
  }
}

function splitOptions(source: string, kind: keyof typeof OPTION_NAMES) {
  const at = source.lastIndexOf(kind === "rtsp" ? "#" : "?");
  const tail = at < 0 ? "" : source.slice(at + 1);
  // A file's name may hold a question mark: only key=value pairs are options.
  if (!/^[a-z]+=[^&=]*(&[a-z]+=[^&=]*)*$/i.test(tail)) return { text: source, found: {} };
  const found = Object.fromEntries(new URLSearchParams(tail));
  return { text: source.slice(0, at), found };
}

function checkRtspUrl(name: string, text: string): void {
  try {
    parseRtspUrl(text);
  } catch {
    throw new AppError(
      "usage",
      `camera ${name}: ${JSON.stringify(withoutPassword(text))} is no RTSP address`,
      {
        hint: "write rtsp://USER:PASSWORD@HOST:554/PATH; the camera's manual gives the path",
      },
    );
  }
}

/** Typed access to the options of one source. */
class Options {
  readonly #camera: string;
  readonly #given: Readonly<Record<string, string>>;

  constructor(camera: string, kind: keyof typeof OPTION_NAMES, given: Readonly<Record<string, string>>) {
    this.#camera = camera;
    this.#given = given;
    const names: readonly string[] = OPTION_NAMES[kind];
    const unknown = Object.keys(given).find((key) => !names.includes(key));
    if (unknown !== undefined) {
      throw new AppError("usage", `camera ${camera}: no option ${unknown} for this source`, {
        hint: `it takes ${names.join(", ")}`,
      });
    }
  }

  text(key: string): string | undefined {
    const value = this.#given[key];
    return value === "" ? undefined : value;
  }

  number(key: string, least: number, most: number): number | undefined {
    const text = this.#given[key];
    if (text === undefined) return undefined;
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value >= least && value <= most)) this.#refuse(key, `a number from ${least} to ${most}`);
    return value;
  }

  flag(key: string, otherwise: boolean): boolean {
    const text = this.#given[key];
    if (text === undefined) return otherwise;
    if (/^(1|true|yes|on)$/i.test(text)) return true;
    if (/^(0|false|no|off)$/i.test(text)) return false;
    return this.#refuse(key, "0 or 1");
  }

  word<const W extends string>(key: string, words: readonly W[], otherwise: W): W {
    const text = this.#given[key];
    if (text === undefined) return otherwise;
    return words.find((word) => word === text.toLowerCase()) ?? this.#refuse(key, words.join(" or "));
  }

  /** `testers=all`: every tester watches this camera; else one does. */
  toAllTesters(): boolean {
    return this.word("testers", ["one", "all"], "one") === "all";
  }

  size(key: string, otherwise: readonly [number, number]): readonly [number, number] {
    const text = this.#given[key];
    if (text === undefined) return otherwise;
    const found = /^(\d{2,4})x(\d{2,4})$/.exec(text);
    if (found === null) return this.#refuse(key, "WIDTHxHEIGHT in pixels, such as 640x360");
    return [Number(found[1]), Number(found[2])];
  }

  #refuse(key: string, wanted: string): never {
    throw new AppError("usage", `camera ${this.#camera}: ${key}=${this.#given[key]} is not ${wanted}`);
  }
}
