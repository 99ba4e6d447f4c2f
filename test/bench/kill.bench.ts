import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../shared/base/random.ts";
import { within } from "../../shared/base/wait.ts";
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
import { tempFolder } from "../support/temp.ts";
import { untrainedModel } from "../support/untrained-model.ts";
import { MAIN } from "../support/vigia.ts";

/**
 * `kill -9` of the tester, or of the video node, at random moments while sightings are written. Real processes; the
 * scenes run as fast as the machine can look, so visits open, get better photos and close many times a second. A
 * watcher witnesses every row that it is told of: after each kill, whatever it was told must be in the log, as new as
 * it was told, and the same visit. A tester whose video node died must go on by itself once the node is there again.
 */

const SEED = 20_261_121;
const KILLS = { smoke: 3, full: 200 } as const;
/** Every so many kills it is the video node's turn. */
const VIDEO_EVERY = 3;
/** After the first change of the log that it made, a life lasts so long at most. */
const LIFE_MS_MAX = 1000;
/** A bare writer, which writes a row in a few ms, from its first row on. */
const BARE_LIFE_MS_MAX = 40;
const CHANGE_WITHIN_MS = 30_000;
const CAMERAS = 3;

export async function run(size: keyof typeof KILLS): Promise<Record<string, number>> {
  const random = new Random("kill", SEED);
  using folder = tempFolder();
  const site = testSite();
  const model = join(folder.path, "model.onnx");
  writeFileSync(model, untrainedModel(["cat", "dog"], { threshold: 1.75e-4 }));
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
  const lost = { rowsWithoutPhoto: 0, photosWithoutRowAfterSweep: 0, closedSightingsLost: 0, rowsLost: 0 };
  let swept = 0;
  let killsOfVideo = 0;
  let goesOnWithinMsMax = 0;
  try {
    for (let kill = 1; kill <= KILLS[size]; kill++) {
      await using tester = await startRole(join(folder.path, "tester"), site.token, "tester", testerWords);
      {
        await using _ = await witness.follow(tester.address);
        await Bun.sleep(random.between(0, LIFE_MS_MAX)); // the moment of the kill
        if (kill % VIDEO_EVERY === 0) {
          await video.kill();
          killsOfVideo++;
          video = await startVideo();
          const since = performance.now();
          await witness.nextChange(`by a tester whose video node came back after kill ${kill}`);
          goesOnWithinMsMax = Math.max(goesOnWithinMsMax, performance.now() - since);
        }
        await tester.kill();
      }
      // The log as the kill left it: rows first, then what the sweep of the next start leaves.
      using log = new SightingLog(dataDir);
      const missing = witness.missing(log);
      lost.closedSightingsLost += missing.closed;
      lost.rowsLost += missing.open;
      const found = log.check({ mend: true });
      lost.rowsWithoutPhoto += found.rowsWithoutPhoto.length;
      swept += found.photosWithoutRow.length + found.unfinished.length;
      const after = log.check({ mend: false });
      lost.photosWithoutRowAfterSweep += after.photosWithoutRow.length + after.unfinished.length;
      if (kill % 20 === 0) process.stderr.write(`${kill} kills, ${witness.rows} rows\n`);
    }
  } finally {
    await video.kill();
  }
  const defects = checkDefects(dataDir);
  const bare = await killWriters(join(folder.path, "bare"), KILLS[size], random);
  const figures = {
    kills: KILLS[size],
    killsOfVideo,
    goesOnWithinMsMax,
    rows: witness.rows,
    closedRows: witness.closedRows,
    photosSwept: swept,
    ...lost,
    checkDefects: defects,
    ...bare,
  };
  const total = Object.values({ ...lost, defects, bare: bare.bareLost }).reduce(
    (sum, count) => sum + count,
    0,
  );
  if (total > 0) throw new Error(`the log lost something: ${JSON.stringify(figures)}`);
  return figures;
}

/** What `vigia check` says of the log at the end, when it decodes every photo: 0, or its words as an error. */
function checkDefects(dataDir: string): number {
  const check = Bun.spawnSync([process.execPath, MAIN, "check", "--data", dataDir]);
  if (check.exitCode !== 0) process.stderr.write(check.stdout.toString() + check.stderr.toString());
  return check.exitCode === 0 ? 0 : 1;
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
        if (told === "") setTimeout(() => writer.kill("SIGKILL"), random.between(0, BARE_LIFE_MS_MAX));
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
  #changed = Promise.withResolvers<void>();

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
    const link = await connect({
      site: this.#site,
      role: "watcher",
      address,
      expect: ["tester"],
      signal: stop.signal,
    });
    const first = this.nextChange("by a tester that was started");
    await link.send(FollowSightings, { revision: this.#cursor });
    const reading = (async () => {
      for await (const body of link.messages()) {
        if (messageTag(body) !== SightingRows.tag) continue;
        for (const row of SightingRows.decode(body).rows) {
          this.#told.set(row.id, row);
          this.#cursor = row.revision;
        }
        this.#changed.resolve();
      }
    })().catch(() => {}); // the tester was killed: that is the point
    await first;
    return {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await link[Symbol.asyncDispose]();
        await reading;
      },
    };
  }

  /** Resolves when the next rows were told. */
  async nextChange(what: string): Promise<void> {
    this.#changed = Promise.withResolvers<void>();
    await within(this.#changed.promise, CHANGE_WITHIN_MS, `a change of the log ${what}`);
  }

  /** Rows that are not in the log, or older there than what a watcher was told, or of another visit. */
  missing(log: SightingLog): { closed: number; open: number } {
    const missing = { closed: 0, open: 0 };
    for (const told of this.#told.values()) {
      const row = log.get(told.id);
      const isThere =
        row !== undefined &&
        row.revision >= told.revision &&
        row.camera === told.camera &&
        row.firstSeenMs === told.firstSeenMs &&
        (row.revision > told.revision || row.closed === told.closed);
      if (!isThere) missing[told.closed ? "closed" : "open"]++;
    }
    return missing;
  }
}
