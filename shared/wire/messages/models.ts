import { TEXT_LENGTH_MAX } from "../../base/limits.ts";
import { list, record, text, u32, u53, type ValueOf } from "../codec.ts";
import { defineMessage } from "../message.ts";
import { jobStatus } from "./job-status.ts";
import { classNames, name, piece } from "./parts.ts";

/** Anyone <-> trainer: which models there are, and their files; how training goes. Tags 0x40 to 0x5f. */

/** One version of a model, as the registry lists it. */
export const modelCard = record({
  name,
  /** Counts from 1 for each name. */
  version: u32,
  fileBytes: u53,
  /** SHA-256 of the file, 64 hex digits. */
  sha256: text(64),
  classes: classNames,
  /** The metrics and lineage of the model file, as JSON text for people and pages. */
  info: text(TEXT_LENGTH_MAX),
  createdMs: u53,
});
export type ModelCard = ValueOf<typeof modelCard>;

export const ModelsRequest = defineMessage(0x40, "ModelsRequest", {});
export const ModelsReply = defineMessage(0x41, "ModelsReply", { models: list(modelCard, 10_000) });

/**
 * From now on send every newer version of `name`, beginning with the newest there is; when it is empty, of any name
 * but those of face models.
 */
export const FollowModel = defineMessage(0x42, "FollowModel", { name });
export const ModelAvailable = defineMessage(0x43, "ModelAvailable", { card: modelCard });

/** Answered by pieces in order, or by one `ModelMissing`. Version 0 is the newest. */
export const FetchModel = defineMessage(0x44, "FetchModel", { name, version: u32 });
export const ModelPiece = defineMessage(0x45, "ModelPiece", {
  name,
  version: u32,
  offset: u53,
  totalBytes: u53,
  piece,
});
export const ModelMissing = defineMessage(0x46, "ModelMissing", { name, version: u32 });

/** Asks for `TrainingStatus` now, at each change and at most twice a second. The tester passes it on to watchers. */
export const FollowTraining = defineMessage(0x47, "FollowTraining", {});
export const TrainingStatus = defineMessage(0x48, "TrainingStatus", {
  /** The newest ones, newest first. */
  jobs: list(jobStatus, 100),
});
