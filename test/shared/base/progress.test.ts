import { expect, test } from "bun:test";
import { aboveBar, Progress } from "../../../shared/base/progress.ts";

function written(isTerminal: boolean, use: (progress: Progress) => void): string {
  let text = "";
  using progress = new Progress({ isTerminal, write: (part) => (text += part) });
  use(progress);
  return text;
}

test("without a terminal: a line a stage, then one every ten seconds", () => {
  const text = written(false, (progress) => {
    progress.show({ stage: "drawing", share: 0 }, 0);
    progress.show({ stage: "drawing", share: 0.5 }, 5_000);
    progress.show({ stage: "drawing", share: 0.75, detail: "30 pictures/s", timeLeftMs: 65_000 }, 10_000);
    progress.show({ stage: "training" }, 10_001);
  });
  expect(text).toBe("drawing  0%\ndrawing  75%  30 pictures/s  1 min 5 s left\ntraining\n");
});

test("on a terminal: one line that moves, and words above it that stay", () => {
  const text = written(true, (progress) => {
    progress.show({ stage: "drawing", share: 0.5 }, 0);
    progress.say("a picture was skipped");
    progress.show({ stage: "drawing", share: 1 }, 200);
  });
  const bar = (filled: number): string => `${"█".repeat(filled)}${"░".repeat(24 - filled)}`;
  expect(text).toBe(
    `\rdrawing  ${bar(12)} 50%\x1b[K\r\x1b[Ka picture was skipped\ndrawing  ${bar(12)} 50%\rdrawing  ${bar(24)} 100%\x1b[K`,
  );
});

test("on a terminal what others write stands above the bar, and where no bar is it stands as it is", () => {
  let text = "";
  const write = (part: string): void => {
    text += part;
  };
  {
    using progress = new Progress({ isTerminal: true, write });
    aboveBar(() => write("before\n"));
    progress.show({ stage: "drawing" }, 0);
    aboveBar(() => write("a line of the log\n"));
  }
  aboveBar(() => write("after\n"));
  expect(text).toBe("before\n\rdrawing\x1b[K\r\x1b[Ka line of the log\ndrawing\nafter\n");
});

test("on a terminal a stage ends as it ended, not as it stood when it was last drawn", () => {
  const text = written(true, (progress) => {
    progress.show({ stage: "reading", share: 0.9 }, 0);
    progress.show({ stage: "reading", share: 1 }, 10);
    progress.show({ stage: "training" }, 20);
  });
  expect(text).toBe(
    `\rreading  ${"█".repeat(22)}░░ 90%\x1b[K\rreading  ${"█".repeat(24)} 100%\x1b[K\n\rtraining\x1b[K`,
  );
});

test("on a narrow terminal the bar gives way before the figures do, and no line wraps", () => {
  const lineAt = (columns: number): string => {
    let text = "";
    using progress = new Progress({ isTerminal: true, write: (part) => (text += part), columns });
    const detail = "epoch 3.6 of 6, loss 5.95, best mAP50 0.141";
    progress.show({ stage: "training", share: 0.5, detail, timeLeftMs: 103_000 }, 0);
    return text.replace("\r", "").replace("\x1b[K", "");
  };
  expect(lineAt(120)).toContain(`training  ${"█".repeat(12)}${"░".repeat(12)} 50%  epoch`);
  expect(lineAt(90)).toBe(
    "training  ███████░░░░░░ 50%  epoch 3.6 of 6, loss 5.95, best mAP50 0.141  1 min 43 s left",
  );
  expect(lineAt(80)).toBe("training  ███░░░ 50%  epoch 3.6 of 6, loss 5.95, best mAP50 0…  1 min 43 s left");
  expect(lineAt(80)).toHaveLength(79);
});
