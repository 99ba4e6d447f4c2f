import { expect, test } from "bun:test";
import { COMMANDS } from "../../src/commands.ts";
import { helpText } from "../../src/help.ts";
import { ROLES } from "../../src/roles.ts";

const ENTRIES = Object.entries({ ...COMMANDS, ...ROLES });

test.each(ENTRIES)(
  "the help of %s fits a terminal of 80 columns, without colours, and names every flag",
  async (name, entry) => {
    const usage = "usage" in entry ? String(entry.usage) : `--role ${name}`;
    const { command } = await entry.load();
    const text = helpText(usage, command, 80);
    expect(text).toStartWith(`usage: vigia ${usage} [flags]\n`);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).not.toContain("\u001b");
    for (const [flag, { type }] of Object.entries(
      command.definition.args as Record<string, { type: string }>,
    )) {
      expect(text.toLowerCase()).toContain(type === "positional" ? `  ${flag}` : `${flag}`);
    }
  },
);
