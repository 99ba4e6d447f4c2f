import manifest from "../../package.json" with { type: "json" };

/** The program's version, as in package.json. Machines of one site must run the same first two numbers. */
export const VERSION: string = manifest.version;
