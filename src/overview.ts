import { VERSION } from "../shared/base/version.ts";
import { COMMANDS } from "./commands.ts";
import { entryLines } from "./help.ts";
import { ROLES } from "./roles.ts";

/**
 * The text of `vigia --help`: what it is, the roles, the commands. Loads none of them.
 *
 * @param columns of the terminal
 */
export function overview(columns = 80): string {
  const roles = Object.entries(ROLES).flatMap(([name, { summary }]) =>
    entryLines(`--role ${name}`, summary, columns),
  );
  const commands = Object.values(COMMANDS).flatMap(({ usage, summary }) =>
    entryLines(usage, summary, columns),
  );
  return [
    `vigia ${VERSION}: teaches ordinary machines to recognise your things,`,
    "then watches your cameras for them.",
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
