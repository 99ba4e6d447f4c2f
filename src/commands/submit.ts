import { Progress } from "../../shared/base/progress.ts";
import { checkModelName } from "../../shared/store/models.ts";
import { noteText, scoreText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { COMMON_FLAGS, type Command, isSet, neededText } from "../shell.ts";
import { TRAINER_FLAG, trainerDialer } from "../trainer-flag.ts";
import { followJob, handIn, readForTraining, TRAINING_FLAGS } from "../training.ts";

export const command: Command = {
  definition: {
    meta: { name: "submit", description: "Give a trainer a data set; its workers train the model." },
    args: {
      dataset: {
        type: "positional",
        required: true,
        description: "The folder of labelled pictures: Pascal VOC, or a folder for each class.",
      },
      name: {
        type: "string",
        required: true,
        valueHint: "NAME",
        description: "What the model is to be called.",
      },
      ...TRAINER_FLAG,
      wait: {
        type: "boolean",
        description: "Follow the training to its end; Ctrl-C ends it and keeps the best.",
      },
      early: {
        type: "boolean",
        description: "Let cameras use the model while it still learns, where there is none of that name.",
      },
      json: { type: "boolean", description: "One JSON object a line." },
      ...TRAINING_FLAGS,
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const { log, print } = context;
    const name = neededText(flags, "name");
    checkModelName(name);
    using progress = new Progress();
    const set = await readForTraining(flags, progress, context);
    // Links outlive a first Ctrl-C: it tells the trainer to finish.
    const dial = await trainerDialer(flags, context, new AbortController().signal);
    await using link = await dial();
    const client = new JobClient(link, log);
    const json = isSet(flags, "json");

    const job = await handIn(client, name, set, { progress, signal: context.signal });
    if (!isSet(flags, "wait")) {
      const place = noteText((await client.news(job)).status.note);
      const words = `job ${job} is queued as ${name}${place && `, ${place}`}`;
      print(json ? JSON.stringify({ job, name, state: "queued" }) : words);
      return;
    }
    if (json) print(JSON.stringify({ job, name, state: "queued" }));
    let state = "";
    const { status, modelVersion, seconds } = await followJob(
      { client, jobId: job, dial },
      progress,
      context,
      (news) => {
        if (json && news.status.state !== state && news.status.state !== "done") {
          print(JSON.stringify({ job, name, state: news.status.state }));
        }
        state = news.status.state;
      },
    );
    progress[Symbol.dispose]();
    const result = {
      job,
      name,
      state: status.state,
      version: modelVersion,
      map50: status.map50,
      accuracy: status.accuracy,
      samples: status.samples,
      seconds: Math.round(seconds),
    };
    const score = scoreText(status);
    print(json ? JSON.stringify(result) : `${name} v${modelVersion} is ready${score && `: ${score}`}`);
  },
};
