import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { rulesFor } from "../../shared/detect/near/rules.ts";
import type { DetectPool, LoadedModel } from "../../shared/detect/pool.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import {
  CameraEnded,
  CameraList,
  type CameraStatus,
  Frame,
  type FrameMessage,
  FrameWanted,
  Photo,
} from "../../shared/wire/messages/frames.ts";
import { CameraWatch, type WatchParts } from "./camera-watch.ts";
import type { Changes } from "./changes.ts";
import { LargePhotos } from "./large-photos.ts";
import type { TesterOptions } from "./options.ts";
import type { RulesSource } from "./rules-source.ts";
import type { SightingWriter } from "./sighting-writer.ts";

/** Something has just begun to move: its picture is wanted as soon as the camera has one. */
const AT_ONCE_FPS = 60;

/** All cameras of all video nodes: asks each for frames as fast as they can be looked at, and no faster. */
export class Cameras {
  readonly #pool: DetectPool;
  readonly #options: TesterOptions;
  readonly #rules: RulesSource;
  readonly #photos = new LargePhotos();
  readonly #writer: SightingWriter;
  readonly #statusChanges: Changes;
  readonly #log: Log;
  readonly #watches = new Map<string, CameraWatch>();
  /** The link that each camera comes over. */
  readonly #links = new Map<string, Connection>();
  /** Cameras that were asked for a frame which has not come yet. */
  readonly #asked = new Set<string>();
  readonly #ended = new Set<string>();
  #model: LoadedModel | undefined;

  constructor(parts: {
    readonly pool: DetectPool;
    readonly options: TesterOptions;
    readonly rules: RulesSource;
    readonly writer: SightingWriter;
    readonly statusChanges: Changes;
    readonly log: Log;
  }) {
    this.#pool = parts.pool;
    this.#options = parts.options;
    this.#rules = parts.rules;
    this.#writer = parts.writer;
    this.#statusChanges = parts.statusChanges;
    this.#log = parts.log;
  }

  get watches(): ReadonlyMap<string, CameraWatch> {
    return this.#watches;
  }

  get model(): LoadedModel | undefined {
    return this.#model;
  }

  /** From now on looks with this model. */
  useModel(model: LoadedModel): void {
    this.#model = model;
    for (const watch of this.#watches.values()) void watch.switchModel(model);
    this.#statusChanges.tell();
  }

  /** To be called every second or so: takes up rules that have changed, and ends what blind cameras last saw. */
  refresh(): void {
    if (this.#rules.refresh()) {
      for (const [camera, watch] of this.#watches) void watch.useRules(rulesFor(this.#rules.rules, camera));
    }
    for (const watch of this.#watches.values()) void watch.endIfBlind();
  }

  /**
   * One session with a video node: until the link ends. Its cameras then count as gone. Only to be begun with a model:
   * a video node shares its cameras out among those who come, and no longer gives them to others.
   */
  async follow(link: Connection): Promise<void> {
    const dispatch = new Dispatch()
      .on(CameraList, ({ cameras }) => this.#meet(link, cameras))
      .on(Frame, (frame) => this.#take(link, frame))
      .on(Photo, (photo) => this.#photos.take(photo))
      .on(CameraEnded, ({ camera }) => this.#end(camera));
    try {
      for await (const message of link.messages()) await dispatch.run(message);
    } finally {
      for (const [camera, from] of this.#links) if (from === link) this.#lose(camera, link.peer.name);
    }
  }

  /** Whether every camera that was ever seen has ended. */
  get allEnded(): boolean {
    return this.#watches.size > 0 && this.#ended.size === this.#watches.size;
  }

  async close(): Promise<void> {
    const going = [...this.#watches].filter(([camera]) => !this.#ended.has(camera));
    await Promise.all(going.map(([, watch]) => watch.end(watch.status.delivery === "newest")));
  }

  async #meet(link: Connection, statuses: readonly CameraStatus[]): Promise<void> {
    await this.#letGo(link, new Set(statuses.map(({ name }) => name)));
    for (const status of statuses) {
      const owner = this.#links.get(status.name);
      if (owner !== undefined && owner !== link) {
        throw new AppError("refused", `two video nodes have a camera called ${status.name}`, {
          hint: "give one of them another name",
        });
      }
      const known = this.#watches.get(status.name);
      if (known === undefined) {
        const model = this.#model;
        if (model === undefined) throw new AppError("bug", "cameras came before a model");
        this.#watches.set(status.name, new CameraWatch(status, model, this.#partsFor(status.name)));
        this.#log.info("watching", { camera: status.name, state: status.state });
      } else {
        if (known.status.state !== status.state) {
          this.#log.info(`camera is ${status.state}`, { camera: status.name, why: status.problem?.text });
        }
        known.status = status;
      }
      if (owner === undefined) {
        this.#links.set(status.name, link);
        await this.#ask(status.name);
      }
    }
    this.#statusChanges.tell();
  }

  #partsFor(camera: string): WatchParts {
    const { rules, faces } = this.#options;
    return {
      pool: this.#pool,
      rules,
      near: rulesFor(this.#rules.rules, camera),
      nameScoreMin: faces?.scoreMin ?? 1,
      writer: this.#writer,
      log: this.#log,
      onPhoto: (frame, shown) => void this.#enlarge(frame, shown),
    };
  }

  /** The photo of a sighting that the frame has become, once more from the camera's larger stream. */
  async #enlarge({ camera, sequence, width, height }: FrameMessage, shown: Sighting): Promise<void> {
    try {
      const link = this.#links.get(camera);
      const large = link && (await this.#photos.ask(link, camera, sequence, shown.id));
      if (large !== undefined) await this.#writer.enlarge(shown, { width, height }, large);
    } catch (error) {
      this.#log.debug("no larger photo", { camera, error });
    }
  }

  /** Asks for a frame unless one is on its way or enough are being looked at. */
  async #ask(camera: string): Promise<void> {
    const link = this.#links.get(camera);
    const watch = this.#watches.get(camera);
    if (link === undefined || watch === undefined || this.#asked.has(camera) || this.#ended.has(camera))
      return;
    const every = watch.status.delivery === "every";
    // A live camera's next frame should be as new as can be; a file's may wait here, to keep all threads busy.
    if (watch.inFlight >= (every ? this.#pool.size + 1 : 1)) return;
    this.#asked.add(camera);
    const { wants } = watch;
    const liveFps = wants === "now" ? AT_ONCE_FPS : this.#options.framesPerSecondMax;
    const framesPerSecondMax = every ? 1000 : liveFps;
    await link.send(FrameWanted, { camera, framesPerSecondMax, glance: !every && wants === "glance" });
  }

  async #take(link: Connection, frame: FrameMessage): Promise<void> {
    const watch = this.#watches.get(frame.camera);
    if (watch === undefined || this.#links.get(frame.camera) !== link) {
      throw new AppError("protocol", `a frame of ${frame.camera} came unasked`);
    }
    this.#asked.delete(frame.camera);
    const looking = watch.look(frame);
    void looking.then(() => this.#ask(frame.camera)).catch(() => {}); // the link's end is handled where it is read
    await this.#ask(frame.camera);
  }

  async #end(camera: string): Promise<void> {
    const watch = this.#watches.get(camera);
    if (watch === undefined) return;
    await watch.end(false);
    this.#ended.add(camera);
    this.#log.info("camera has ended", { camera });
    this.#statusChanges.tell();
  }

  /** Cameras that the link no longer names are watched by another tester now, which finds what is there by itself. */
  async #letGo(link: Connection, named: ReadonlySet<string>): Promise<void> {
    for (const [camera, from] of this.#links) {
      if (from !== link || named.has(camera)) continue;
      this.#links.delete(camera);
      this.#asked.delete(camera);
      const watch = this.#watches.get(camera);
      this.#watches.delete(camera);
      if (!this.#ended.has(camera)) await watch?.end(true);
      this.#log.info("another tester watches now", { camera });
    }
  }

  #lose(camera: string, video: string): void {
    this.#links.delete(camera);
    this.#asked.delete(camera);
    const watch = this.#watches.get(camera);
    if (watch === undefined || this.#ended.has(camera)) return;
    const problem = { kind: "no-node", about: video, text: `no link to video node ${video}` } as const;
    watch.status = { ...watch.status, state: "gone", problem };
    this.#statusChanges.tell();
  }
}
