import { AppError } from "../base/errors.ts";

/** An RTSP address, taken apart. */
export interface RtspUrl {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string;
  /** The address as requests name it: without user and password. */
  readonly requestUri: string;
}

const HOST_AND_REST = String.raw`(\[[0-9a-f:.%]+\]|[^/:@?#[\]\s]+)(?::(\d{1,5}))?((?:[/?].*)?)$`;
const ADDRESS = new RegExp(`^(rtsps?)://(?:([^/]*)@)?${HOST_AND_REST}`, "is");
const ADDRESS_SLASH_IN_PASSWORD = new RegExp(`^(rtsps?)://(?:(.*)@)?${HOST_AND_REST}`, "is");

/**
 * Reads `rtsp://USER:PASSWORD@HOST:PORT/PATH?QUERY` (RFC 2326 section 3.2). Written by hand since camera addresses
 * are often not URLs in form: passwords hold `@` and `#`, paths hold spaces and brackets. User and password may be
 * percent-encoded.
 *
 * @throws {AppError} `usage`
 */
export function parseRtspUrl(text: string): RtspUrl {
  // A path may hold an @ too, so credentials without a slash are tried first.
  const found = ADDRESS.exec(text) ?? ADDRESS_SLASH_IN_PASSWORD.exec(text);
  const [, scheme = "", credentials, host = "", portText, path = ""] = found ?? [];
  const secure = scheme.toLowerCase() === "rtsps";
  const port = portText === undefined ? (secure ? 322 : 554) : Number(portText);
  if (found === null || port < 1 || port > 65_535) {
    throw new AppError("usage", "this is no RTSP address", {
      hint: "write rtsp://USER:PASSWORD@HOST:554/PATH",
    });
  }
  const colon = credentials?.indexOf(":") ?? -1;
  const user = credentials === undefined ? undefined : colon < 0 ? credentials : credentials.slice(0, colon);
  const shownPort = portText === undefined ? "" : `:${port}`;
  return {
    secure,
    host: host.replace(/^\[|\]$/g, ""),
    port,
    user: user === undefined ? undefined : decoded(user),
    password: colon < 0 ? "" : decoded(credentials!.slice(colon + 1)),
    requestUri: `${scheme.toLowerCase()}://${host}${shownPort}${path.replaceAll(" ", "%20")}`,
  };
}

/**
 * The address that a camera or a server in front of it sends us to. User and password go along only to the same host,
 * and from a secure connection only to another one.
 *
 * @throws {AppError} `usage` where it is no RTSP address
 */
export function movedTo(from: RtspUrl, location: string): RtspUrl {
  const to = parseRtspUrl(location.trim());
  const isSameHost = to.host.toLowerCase() === from.host.toLowerCase();
  if (to.user !== undefined || !isSameHost || (from.secure && !to.secure)) return to;
  return { ...to, user: from.user, password: from.password };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that encodes nothing
  }
}

/**
 * The address that relative `a=control` values stand on: `Content-Base`, `Content-Location` or the one asked for
 * (RFC 2326 section C.1.1). Cameras send bases without a scheme, doubled, or with a bare IPv6 host; those are passed
 * over.
 */
export function controlBase(requestUri: string, candidates: readonly (string | undefined)[]): string {
  const sane = /^rtsps?:\/\/(\[[0-9a-f:.%]+\]|[^/:@[\]\s]+)(:\d+)?([/?]\S*)?$/i;
  const doubled = /^rtsps?:\/\/rtsps?/i;
  const found = candidates.find(
    (text) => text !== undefined && sane.test(text.trim()) && !doubled.test(text.trim()),
  );
  return found?.trim() ?? requestUri;
}

/**
 * The address of one stream. A relative control is appended, also after a query: RFC 1808 would replace the last
 * part of the path, and no camera means that.
 */
export function controlUri(base: string, control: string | undefined): string {
  const text = control?.trim() ?? "";
  if (text === "" || text === "*") return base;
  if (/^rtsps?:\/\//i.test(text)) return text;
  return `${base.replace(/\/+$/, "")}/${text.replace(/^\/+/, "")}`;
}
