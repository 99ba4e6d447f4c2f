import { bytesText, countText, durationText } from "../../shared/base/text.ts";
import type { ModelInfo } from "../../shared/nn/model-file.ts";
import { ModelClient } from "../../shared/training/fetch-model.ts";
import { noteText, scoreText } from "../../shared/training/job-words.ts";
import { isOver, type JobStatus } from "../../shared/wire/messages/job-status.ts";
import type { ModelCard } from "../../shared/wire/messages/models.ts";
import { COMMON_FLAGS, type Command, isSet } from "../shell.ts";
import { TRAINER_FLAG, trainerDialer } from "../trainer-flag.ts";

export const command: Command = {
  definition: {
    meta: { name: "models", description: "List the models that a trainer keeps, and those that it trains." },
    args: {
      ...TRAINER_FLAG,
      json: { type: "boolean", description: "One JSON object a line." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const { print } = context;
    const dial = await trainerDialer(flags, context);
    await using link = await dial();
    const client = new ModelClient(link);
    const models = await client.list();
    if (isSet(flags, "json")) {
      for (const card of models) print(modelJson(card));
      return;
    }
    if (models.length === 0) print("the trainer has no model yet");
    for (const card of models) print(modelText(card));
    for (const job of (await client.jobs()).toReversed()) if (!isOver(job)) print(jobText(job));
  },
};

/** A model that is not there yet. */
function jobText({ jobId, name, state, progress, workers, timeLeftMs, note }: JobStatus): string {
  const parts = [`${name}: job ${jobId}, ${state}`];
  if (state === "training") {
    parts.push(`${Math.floor(100 * progress)}%`);
    if (workers.length > 0) parts.push(countText(workers.length, "worker"));
    if (timeLeftMs !== undefined) parts.push(`${durationText(timeLeftMs)} left`);
  }
  if (note !== undefined) parts.push(noteText(note));
  return parts.join(", ");
}

function modelJson({ info, createdMs, ...card }: ModelCard): string {
  return JSON.stringify({
    ...card,
    created: new Date(createdMs).toISOString(),
    ...(JSON.parse(info) as object),
  });
}

function modelText({ name, version, classes, fileBytes, createdMs, info }: ModelCard): string {
  const { metrics, network, lineage } = JSON.parse(info) as Partial<
    Pick<ModelInfo, "metrics" | "network" | "lineage">
  >;
  const accuracy = network?.kind === "mlp" ? metrics?.accuracy : undefined;
  const score = scoreText({ map50: metrics?.map50, accuracy });
  const created = new Date(createdMs).toLocaleString("sv").slice(0, 16); // by this machine's clock
  const early = lineage?.early === true ? "still learning" : "";
  const facts = [`${name} v${version}`, created, score, early, bytesText(fileBytes), classes.join(", ")];
  return facts.filter((fact) => fact !== "").join("  ");
}
