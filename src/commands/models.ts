import { bytesText } from "../../shared/base/text.ts";
import { connect } from "../../shared/net/connect.ts";
import { discover } from "../../shared/net/discovery.ts";
import { ModelClient } from "../../shared/training/fetch-model.ts";
import type { ModelCard } from "../../shared/wire/messages/models.ts";
import { addressFlag, PORTS, siteFor } from "../roles/common.ts";
import { COMMON_FLAGS, type Command, isSet } from "../shell.ts";

const DISCOVER_WITHIN_MS = 5000;

export const command: Command = {
  definition: {
    meta: { name: "models", description: "List the models that a trainer keeps." },
    args: {
      trainer: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where the trainer is (found on the network when not given).",
      },
      json: { type: "boolean", description: "One JSON object a line." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const { signal, log, print } = context;
    const site = await siteFor(flags, context);
    const address =
      addressFlag(flags, "trainer", PORTS.trainer) ??
      (await discover({ site, role: "trainer", signal, log, timeoutMs: DISCOVER_WITHIN_MS }));
    await using link = await connect({ site, role: "client", address, expect: ["trainer"], signal });
    const models = await new ModelClient(link).list();
    if (models.length === 0 && !isSet(flags, "json")) print("the trainer has no model yet");
    for (const card of models) print(isSet(flags, "json") ? modelJson(card) : modelText(card));
  },
};

function modelJson({ info, createdMs, ...card }: ModelCard): string {
  return JSON.stringify({
    ...card,
    created: new Date(createdMs).toISOString(),
    ...(JSON.parse(info) as object),
  });
}

function modelText({ name, version, classes, fileBytes, createdMs, info }: ModelCard): string {
  const { metrics } = JSON.parse(info) as { metrics?: { map50?: number } };
  const score = metrics?.map50 === undefined ? "" : `  mAP50 ${metrics.map50.toFixed(3)}`;
  const created = new Date(createdMs).toISOString().slice(0, 16).replace("T", " ");
  return `${name} v${version}  ${created}${score}  ${bytesText(fileBytes)}  ${classes.join(", ")}`;
}
