import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../shared/base/random.ts";
import { formatAddress } from "../../shared/net/address.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { SightingLog } from "../../shared/store/sightings.ts";
import { messageTag } from "../../shared/wire/message.ts";
import { FollowSightings, SightingRows } from "../../shared/wire/messages/sightings.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";
import { testSite } from "../support/site-roles.ts";
import { drawSlideShow } from "../support/slide-show.ts";
import { tempFolder } from "../support/temp.ts";
import { untrainedModel } from "../support/untrained-model.ts";

/**
 * `kill -9` of the tester, or of the video node, at random moments while sightings are written. Real processes; the
 * slide shows run as fast as the machine can look, so visits open, get better photos and close many times a second. A
 * watcher witnesses every row that it is told of: after each kill, whatever it was told must be in the log.
 */

const SEED = 20_261_121;
const PICTURES = { smoke: 8, full: 40 } as const;
const KILLS = { smoke: 3, full: 200 } as const;
/** Every so many kills it is the video node's turn. */
const VIDEO_EVERY = 5;
/** After the first change of the log that it made, a life lasts so long at most. */
const LIFE_MS_MAX = 400;
const FIRST_CHANGE_WITHIN_MS = 30_000;
const CAMERAS = 3;

export async function run(size: keyof typeof KILLS): Promise<Record<string, number>> {
  const random = new Random("kill", SEED);
  using folder = tempFolder();
  const site = testSite();
  const model = join(folder.path, "model.onnx");
  writeFileSync(model, untrainedModel(["cat", "dog"], { threshold: 2.2e-4 }));
  const pictures = join(folder.path, "pictures");
  await drawSlideShow(pictures, SEED, PICTURES[size]);
  const dataDir = join(folder.path, "tester", "data");
  let listen = "127.0.0.1:0";
  const startVideo = async (): Promise<RoleProcess> => {
    const cameras = Array.from(
      { length: CAMERAS },
      (_, i) => `c${i}=synthetic:${i + 1}?size=192x108&paced=0`,
    );
    const words = ["--listen", listen, "--rtsp", "127.0.0.1:0", "--camera", ...cameras];
    return await startRole(join(folder.path, "video"), site.token, "video", words);
  };
  let video = await startVideo();
  listen = formatAddress(video.address);
  const testerWords = [
    ...["--model", model, "--video", listen, "--data", dataDir, "--listen", "127.0.0.1:0"],
    ...["--threads", "1", "--near", "0"],
  ];

  const witness = new Witness(site);
  const lost = { rowsWithoutPhoto: 0, photosWithoutRowAfterSweep: 0, rowsLost: 0 };
  let swept = 0;
  let killsOfVideo = 0;
  try {
    for (let kill = 1; kill <= KILLS[size]; kill++) {
      await using tester = await startRole(join(folder.path, "tester"), site.token, "tester", testerWords);
      {
        await using _ = await witness.follow(tester.address);
        await Bun.sleep(random.between(0, LIFE_MS_MAX)); // the moment of the kill
        if (kill % VIDEO_EVERY === 0) {
          await video.kill();
          killsOfVideo++;
        } else await tester.kill();
      }
      // The log as the kill left it: rows first, then what the sweep of the next start leaves.
      await tester.kill();
      using log = new SightingLog(dataDir);
      lost.rowsLost += witness.missing(log);
      const found = log.check({ mend: true });
      lost.rowsWithoutPhoto += found.rowsWithoutPhoto.length;
      swept += found.photosWithoutRow.length + found.unfinished.length;
      const after = log.check({ mend: false });
      lost.photosWithoutRowAfterSweep += after.photosWithoutRow.length + after.unfinished.length;
      if (kill % VIDEO_EVERY === 0) video = await startVideo();
      if (kill % 20 === 0) process.stderr.write(`${kill} kills, ${witness.rows} rows\n`);
    }
  } finally {
    await video.kill();
  }
  const bare = await killWriters(join(folder.path, "bare"), KILLS[size], random);
  const figures = {
    kills: KILLS[size],
    killsOfVideo,
    rows: witness.rows,
    closedRows: witness.closedRows,
    photosSwept: swept,
    ...lost,
    ...bare,
  };
  const total = Object.values({ ...lost, bareLost: bare.bareLost }).reduce((sum, count) => sum + count, 0);
  if (total > 0) throw new Error(`the log lost something: ${JSON.stringify(figures)}`);
  return figures;
}

/**
 * The same for a process that does nothing but write, so that nearly every kill falls into a write: rows it was told
 * are safe, photos and rows held against each other after each.
 */
async function killWriters(
  folder: string,
  kills: number,
  random: Random,
): Promise<Record<"bareKills" | "bareRows" | "bareSwept" | "bareLost", number>> {
  const script = join(import.meta.dir, "../support/write-sightings.ts");
  let swept = 0;
  let lost = 0;
  const safe: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const writer = Bun.spawn([process.execPath, script, folder, "gate", "100000"], { stdout: "pipe" });
    const reading = (async () => {
      let told = "";
      for await (const bytes of writer.stdout) {
        if (told === "") setTimeout(() => writer.kill("SIGKILL"), random.between(0, LIFE_MS_MAX / 10));
        told += Buffer.from(bytes).toString();
      }
      // A line that was cut short is not a row that was told.
      for (const line of told.split("\n").slice(0, -1)) safe.push(Number(line));
    })();
    await Promise.all([reading, writer.exited]);
    using log = new SightingLog(folder);
    const found = log.check({ mend: true });
    swept += found.photosWithoutRow.length + found.unfinished.length;
    const after = log.check({ mend: false });
    lost += found.rowsWithoutPhoto.length + after.photosWithoutRow.length + after.unfinished.length;
    lost += safe.filter((id) => log.get(id) === undefined).length;
  }
  return { bareKills: kills, bareRows: safe.length, bareSwept: swept, bareLost: lost };
}

/** Keeps what a watcher was told. */
class Witness {
  readonly #site: Site;
  readonly #told = new Map<number, Sighting>();
  #cursor = 0;

  constructor(site: Site) {
    this.#site = site;
  }

  get rows(): number {
    return this.#told.size;
  }

  get closedRows(): number {
    return [...this.#told.values()].filter(({ closed }) => closed).length;
  }

  /** Follows a tester until disposed; resolves when a first change of the log has come. */
  async follow(address: Address): Promise<AsyncDisposable> {
    const stop = new AbortController();
    const first = Promise.withResolvers<void>();
    const link = await connect({
      site: this.#site,
      role: "watcher",
      address,
      expect: ["tester"],
      signal: stop.signal,
    });
    await link.send(FollowSightings, { revision: this.#cursor });
    const reading = (async () => {
      for await (const body of link.messages()) {
        if (messageTag(body) !== SightingRows.tag) continue;
        for (const row of SightingRows.decode(body).rows) {
          this.#told.set(row.id, row);
          this.#cursor = row.revision;
          first.resolve();
        }
      }
    })().catch(() => {}); // the tester was killed: that is the point
    const timer = setTimeout(() => first.reject(new Error("nothing was written")), FIRST_CHANGE_WITHIN_MS);
    await first.promise;
    clearTimeout(timer);
    return {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await link[Symbol.asyncDispose]();
        await reading;
      },
    };
  }

  /** Rows that are not in the log, or older there than what a watcher was told. */
  missing(log: SightingLog): number {
    let missing = 0;
    for (const { id, revision, closed } of this.#told.values()) {
      const row = log.get(id);
      if (row === undefined || row.revision < revision) missing++;
      else if (row.revision === revision && row.closed !== closed) missing++;
    }
    return missing;
  }
}
