import { join } from "node:path";
import type { RoleContext } from "../../shared/base/context.ts";
import { errorLine } from "../../shared/base/errors.ts";
import { formatAddress } from "../../shared/net/address.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { announce } from "../../shared/net/discovery.ts";
import { listen } from "../../shared/net/listener.ts";
import { TEAM_PACE } from "../../shared/net/liveness.ts";
import { BlobStore } from "../../shared/store/blobs.ts";
import { openDatabase } from "../../shared/store/database.ts";
import { JobStore } from "../../shared/store/jobs.ts";
import { ModelRegistry } from "../../shared/store/models.ts";
import { TaskStore } from "../../shared/store/tasks.ts";
import { TRAINING_MIGRATIONS } from "../../shared/store/training-schema.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import { Board } from "./board.ts";
import { Checkpoints } from "./checkpoint.ts";
import { ClientLink } from "./client-link.ts";
import { JobRunner } from "./job-runner.ts";
import { joinHelp } from "./join-command.ts";
import { answerModels, ModelNews } from "./model-links.ts";
import type { TrainerOptions } from "./options.ts";
import { WorkerPool } from "./worker-pool.ts";

export type { TrainerOptions } from "./options.ts";

const CHECKPOINT_EVERY_MS = 10_000;

/** Trainer: keeps data sets, jobs and models, and leads the workers through preparation and training. */
export async function run(options: TrainerOptions, { signal, log }: RoleContext): Promise<void> {
  const { site, dataDir } = options;
  const folder = (name: string): string => join(dataDir, name);
  using database = openDatabase(folder("trainer.db"), TRAINING_MIGRATIONS, { isExclusive: true });
  const jobs = new JobStore(database);
  const tasks = new TaskStore(database);
  jobs.recover(Date.now());
  tasks.recover();
  const blobs = new BlobStore(folder("blobs"));
  const registry = new ModelRegistry(database, folder("models"));
  const checkpoints = new Checkpoints(folder("checkpoints"));
  const board = new Board(jobs);
  const news = new ModelNews();
  const pool = new WorkerPool(blobs, log);
  const onModel = news.publish.bind(news);
  const checkpointEveryMs = options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS;
  const runner = new JobRunner({
    ...{ jobs, tasks, blobs, registry, checkpoints, checkpointEveryMs, pool, board, log, onModel },
  });

  await using listener = await listen({
    site,
    role: "trainer",
    host: options.listen.host,
    port: options.listen.port,
    accept: ["worker", "client", "tester", "watcher"],
    pace: TEAM_PACE,
    signal,
    log,
    onConnection: (link) => (link.peer.role === "worker" ? pool.serve(link) : serveOther(link)),
  });
  using _found = options.announce
    ? announce({ site, role: "trainer", address: listener.address, signal, log })
    : undefined;
  log.info("listening", { address: formatAddress(listener.address), data: dataDir });
  // It holds the site key, so it goes to the terminal and not into log files.
  if (options.announce) process.stderr.write(`${joinHelp(listener.address, site.token)}\n`);
  options.onReady?.(listener.address);
  await runner.run(signal);

  async function serveOther(link: Connection): Promise<void> {
    const client = new ClientLink(link, {
      jobs,
      blobs,
      board,
      log,
      onQueued: () => runner.queued(),
      onCancel: (jobId, keepBest) => runner.cancel(jobId, keepBest),
    });
    await using _client = client;
    const dispatch = answerModels(new Dispatch(), link, { registry, news, board });
    if (link.peer.role === "client") client.addTo(dispatch);
    try {
      for await (const body of link.messages()) await dispatch.run(body);
    } catch (error) {
      if (link.closed.aborted)
        log.debug("a link is over", { peer: link.peer.name, reason: errorLine(error) });
      else throw error;
    }
  }
}
