import { VERSION } from "../shared/base/version.ts";
import { COMMANDS } from "./commands.ts";
import { ROLES } from "./roles.ts";

/** The text of `vigia --help`: what it is, the roles, the commands. Loads none of them. */
export function overview(): string {
  const column = (text: string): string => text.padEnd(50);
  const roles = Object.entries(ROLES).map(([name, { summary }]) => `  ${column(`--role ${name}`)}${summary}`);
  const commands = Object.values(COMMANDS).map(({ usage, summary }) => `  ${column(usage)}${summary}`);
  return [
    `vigia ${VERSION}: teaches ordinary machines to recognise your things, then watches your cameras for them.`,
    "",
    "usage: vigia --role ROLE [flags]",
    "       vigia COMMAND [flags]",
    "",
    "Roles, one on each machine (or several on one):",
    ...roles,
    "",
    "Commands:",
    ...commands,
    "",
    "See it work: vigia demo",
    "More on each: vigia --role ROLE --help, vigia COMMAND --help",
    "Version: vigia --version. Licences of what is inside: vigia --notices",
  ].join("\n");
}
