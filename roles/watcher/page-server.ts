import type { BunRequest, Server } from "bun";
import { AppError, errorKind, errorLine } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { csvHeader, csvLine, spreadsheetCsv } from "../../shared/store/sighting-csv.ts";
import { refusalOf } from "./guard.ts";
import { placeOf, searchAll, searchEach, searchOf } from "./log-search.ts";
import page from "./page/index.html";
import { readRules, saveRules } from "./rules-routes.ts";
import type { TesterFeed } from "./tester-feed.ts";
import { type SightingView, sightingView, statusView } from "./view.ts";

/** Sightings in one answer. */
const PAGE_ROWS_MAX = 120;
/** A comment this often tells a browser, and whatever is between, that the stream lives. */
const KEEP_ALIVE_MS = 10_000;
/** What a page may send: the rules of one camera. */
const BODY_BYTES_MAX = 512 * 1024;
/** Browsers that follow at once. */
const STREAMS_MAX = 64;

type Stream = ReadableStreamDefaultController<Uint8Array>;

/** Serves the page and what it shows. Live changes go out as server-sent events (WHATWG HTML, section 9.2). */
export class PageServer implements AsyncDisposable {
  readonly #feeds: readonly TesterFeed[];
  readonly #log: Log;
  readonly #streams = new Set<Stream>();
  readonly #keepAlive: ReturnType<typeof setInterval>;
  readonly #server: Server<undefined>;

  /** Throws `unavailable` when the port is taken. */
  constructor(http: Address, feeds: readonly TesterFeed[], log: Log) {
    this.#feeds = feeds;
    this.#log = log;
    const own =
      <R extends Request>(answer: (request: R) => Response | Promise<Response>) =>
      (request: R): Response | Promise<Response> => {
        const refusal = refusalOf(request, http.host);
        return refusal === undefined ? answer(request) : new Response(refusal, { status: 403 });
      };
    try {
      this.#server = Bun.serve({
        hostname: http.host,
        port: http.port,
        idleTimeout: 0,
        development: false,
        routes: {
          "/": page,
          "/events": own((request) => this.#events(request)),
          "/sightings": own(async (request) =>
            Response.json(await this.#sightings(new URL(request.url).searchParams)),
          ),
          "/sightings.csv": own((request) => this.#table(new URL(request.url).searchParams)),
          "/sighting/:key": own((request: BunRequest<"/sighting/:key">) =>
            this.#sighting(request.params.key),
          ),
          "/photo/:key": own((request: BunRequest<"/photo/:key">) =>
            this.#photo(request.params.key, new URL(request.url).searchParams.has("crop")),
          ),
          "/camera/:tester/:name": own((request: BunRequest<"/camera/:tester/:name">) =>
            this.#picture(request.params.tester, request.params.name),
          ),
          "/rules/:tester/:name": {
            GET: own((request: BunRequest<"/rules/:tester/:name">) =>
              this.#rules(request.params.tester, (feed) => readRules(feed, request.params.name)),
            ),
            PUT: own((request: BunRequest<"/rules/:tester/:name">) =>
              this.#rules(request.params.tester, async (feed) =>
                saveRules(feed, request.params.name, await request.json()),
              ),
            ),
          },
        },
        maxRequestBodySize: BODY_BYTES_MAX,
        fetch: () => new Response("not found", { status: 404 }),
        error: (error) => this.#failed(error),
      });
    } catch (cause) {
      throw new AppError("unavailable", `the page cannot be served at ${http.host}:${http.port}`, {
        cause,
        hint: "another program uses that port: choose one with --http 127.0.0.1:8081",
      });
    }
    this.#keepAlive = setInterval(() => this.#send(": here\n\n"), KEEP_ALIVE_MS);
  }

  get address(): Address {
    return { host: this.#server.hostname ?? "127.0.0.1", port: this.#server.port ?? 0 };
  }

  /** Tells every open page of new or changed sightings. */
  tellSightings(feed: TesterFeed, rows: readonly Sighting[]): void {
    if (this.#streams.size === 0) return;
    const views = rows.slice(-PAGE_ROWS_MAX).map((row) => sightingView(feed, row));
    this.#send(event("sightings", views));
  }

  /** Tells every open page how things stand. */
  tellStatus(): void {
    if (this.#streams.size > 0) this.#send(event("status", statusView(this.#feeds)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#keepAlive);
    for (const stream of this.#streams) close(stream);
    this.#streams.clear();
    await this.#server.stop(true);
  }

  #events(request: Request): Response {
    if (this.#streams.size >= STREAMS_MAX) return new Response("too many pages are open", { status: 503 });
    let own: Stream | undefined;
    const leave = (): void => {
      if (own !== undefined) this.#streams.delete(own);
    };
    request.signal.addEventListener("abort", leave, { once: true });
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        own = stream;
        this.#streams.add(stream);
        stream.enqueue(encode(event("status", statusView(this.#feeds))));
      },
      cancel: leave,
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  async #sightings(query: URLSearchParams): Promise<{ rows: SightingView[]; more: boolean }> {
    const found = await searchAll(this.#feeds, searchOf(query), PAGE_ROWS_MAX + 1, placeOf(query));
    const rows = found.slice(0, PAGE_ROWS_MAX).map(({ feed, row }) => sightingView(feed, row));
    return { rows, more: found.length > PAGE_ROWS_MAX };
  }

  /** Everything that matches as a table for the reader's spreadsheet, written as fast as it is taken. */
  #table(query: URLSearchParams): Response {
    const form = spreadsheetCsv(query.get("locale") ?? undefined);
    const pages = searchEach(this.#feeds, searchOf(query));
    const body = new ReadableStream<Uint8Array>({
      start: (out) => out.enqueue(encode(`${csvHeader(form)}\r\n`)),
      pull: async (out) => {
        try {
          const { value, done } = await pages.next();
          if (done === true) out.close();
          else out.enqueue(encode(value.map(({ row }) => `${csvLine(row, form)}\r\n`).join("")));
        } catch (error) {
          this.#log.warn("a table could not be written to its end", { error });
          throw error; // the browser is told, too: its download fails
        }
      },
    });
    const day = new Date().toLocaleDateString("sv");
    const headers = { "content-disposition": `attachment; filename="vigia-${day}.csv"` };
    return new Response(body, { headers: { ...headers, "content-type": "text/csv; charset=utf-8" } });
  }

  /** One sighting with the way it took. */
  async #sighting(key: string): Promise<Response> {
    const [tester, id] = key.split("-").map(Number);
    const feed = this.#feeds[tester ?? -1];
    const row = Number.isSafeInteger(id) ? await feed?.sighting(id!) : undefined;
    if (feed === undefined || row === undefined) return new Response("not found", { status: 404 });
    return Response.json({ ...sightingView(feed, row), path: row.path?.map(({ box }) => box) ?? [] });
  }

  async #photo(key: string, crop: boolean): Promise<Response> {
    const [tester, id] = key.split("-").map(Number);
    const feed = this.#feeds[tester ?? -1];
    if (feed === undefined || !Number.isSafeInteger(id)) return new Response("not found", { status: 404 });
    const jpeg = await feed.photo(id!, crop);
    if (jpeg === undefined) return new Response("not found", { status: 404 });
    // The address changes with the photo, so a browser may keep it.
    return picture(jpeg, { "cache-control": "private, max-age=86400, immutable" });
  }

  async #picture(tester: string, name: string): Promise<Response> {
    const feed = this.#feeds[Number(tester)];
    if (feed === undefined) return new Response("not found", { status: 404 });
    const { jpeg, width, height, capturedMs, objects } = await feed.picture(name);
    if (jpeg === undefined) return new Response(null, { status: 204 });
    const seen = encodeURIComponent(JSON.stringify({ width, height, capturedMs, objects }));
    return picture(jpeg, { "cache-control": "no-store", "vigia-seen": seen });
  }

  async #rules(tester: string, answer: (feed: TesterFeed) => Promise<object>): Promise<Response> {
    const feed = this.#feeds[Number(tester)];
    if (feed === undefined) return new Response("not found", { status: 404 });
    return Response.json(await answer(feed), { headers: { "cache-control": "no-store" } });
  }

  #failed(error: Error): Response {
    this.#log.debug("a request failed", { error });
    return new Response(errorLine(error), { status: errorKind(error) === "usage" ? 400 : 503 });
  }

  #send(text: string): void {
    const bytes = encode(text);
    for (const stream of this.#streams) {
      // A browser that does not read is let go: it comes back by itself and asks for what it missed.
      if ((stream.desiredSize ?? 0) < -1000) {
        this.#streams.delete(stream);
        close(stream);
        continue;
      }
      try {
        stream.enqueue(bytes);
      } catch {
        this.#streams.delete(stream);
      }
    }
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const encoder = new TextEncoder();
function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

function close(stream: Stream): void {
  try {
    stream.close();
  } catch {
    // The browser was faster.
  }
}

function picture(jpeg: Uint8Array, headers: Record<string, string>): Response {
  return new Response(jpeg as Uint8Array<ArrayBuffer>, {
    headers: { "content-type": "image/jpeg", "x-content-type-options": "nosniff", ...headers },
  });
}
