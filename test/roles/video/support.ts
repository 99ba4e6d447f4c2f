import { run, type VideoOptions } from "../../../roles/video/main.ts";
import type { CameraSpec } from "../../../roles/video/source-text.ts";
import { type Log, silentLog } from "../../../shared/base/log.ts";
import { deferred, within } from "../../../shared/base/wait.ts";
import { connect } from "../../../shared/net/connect.ts";
import type { Address, Connection } from "../../../shared/net/connection.ts";
import { type Site, siteOf } from "../../../shared/net/site.ts";
import { Dispatch } from "../../../shared/wire/message.ts";
import {
  CameraEnded,
  CameraList,
  type CameraStatus,
  Frame,
  type FrameMessage,
  FrameWanted,
  Photo,
  PhotoWanted,
} from "../../../shared/wire/messages/frames.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
export const site = siteOf(Buffer.alloc(32, 7), "test");

export interface VideoNode extends AsyncDisposable {
  readonly address: Address;
  readonly rtsp: Address | undefined;
}

/** A video node on ports of its own; disposing it waits for its end. */
export async function startVideo(
  cameras: readonly CameraSpec[],
  more: Partial<VideoOptions> = {},
  log: Log = silentLog,
): Promise<VideoNode> {
  const abort = new AbortController();
  const ready = deferred<Parameters<NonNullable<VideoOptions["onReady"]>>[0]>();
  const ended = run(
    { site, cameras, listen: LOOPBACK, announce: false, onReady: (at) => ready.resolve(at), ...more },
    { signal: abort.signal, log },
  );
  ended.catch((error) => ready.reject(error));
  const { address, rtsp } = await ready.promise;
  return {
    address,
    rtsp,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await ended;
    },
  };
}

/** A tester's end of a link: asks for frames, and keeps what comes. */
export class TestTester implements AsyncDisposable {
  readonly #link: Connection;
  readonly #waiting: (() => void)[] = [];
  readonly photos: ReturnType<typeof Photo.decode>[] = [];
  statuses: readonly CameraStatus[] = [];
  readonly frames: FrameMessage[] = [];
  readonly ended = new Set<string>();
  onFrame: (frame: FrameMessage) => void = () => {};

  constructor(link: Connection) {
    this.#link = link;
    void this.#read();
  }

  static async join({ address }: Pick<VideoNode, "address">, of: Site = site): Promise<TestTester> {
    const signal = new AbortController().signal;
    return new TestTester(await connect({ site: of, role: "tester", address, expect: ["video"], signal }));
  }

  ask(camera: string, framesPerSecondMax = 1000, glance = false): void {
    void this.#link.send(FrameWanted, { camera, framesPerSecondMax, glance }).catch(() => {});
  }

  /** Asks for a frame's photo from the larger stream. */
  askPhoto(camera: string, sequence: number): void {
    void this.#link.send(PhotoWanted, { camera, sequence }).catch(() => {});
  }

  /** Asks for each next frame as soon as one came. */
  follow(camera: string, framesPerSecondMax = 1000): void {
    const before = this.onFrame;
    this.onFrame = (frame) => {
      before(frame);
      if (frame.camera === camera) this.ask(camera, framesPerSecondMax);
    };
    this.ask(camera, framesPerSecondMax);
  }

  /** Resolves when `condition` holds; it is looked at after each message. */
  async until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await within(promise, timeoutMs, what);
    }
  }

  status(camera: string): CameraStatus | undefined {
    return this.statuses.find(({ name }) => name === camera);
  }

  async #read(): Promise<void> {
    const dispatch = new Dispatch()
      .on(CameraList, ({ cameras }) => {
        this.statuses = cameras;
      })
      .on(Frame, (frame) => {
        this.frames.push(frame);
        this.onFrame(frame);
      })
      .on(Photo, (photo) => void this.photos.push(photo))
      .on(CameraEnded, ({ camera }) => void this.ended.add(camera));
    for await (const message of this.#link.messages()) {
      await dispatch.run(message);
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link.close();
  }
}
