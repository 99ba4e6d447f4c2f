/**
 * Writes THIRD-PARTY-NOTICES.md: whose work the executable holds, and on what terms.
 *
 *   bun src/build/notices.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { nativeFiles } from "./native-files.ts";
import { parseTarget } from "./target.ts";

const ROOT = resolve(import.meta.dir, "../..");
export const NOTICES_PATH = join(ROOT, "THIRD-PARTY-NOTICES.md");

/** Who holds the copyright of MIT packages that come without a licence file. */
const MIT_HOLDERS: Readonly<Record<string, string>> = {
  "onnxruntime-node": "Copyright (c) Microsoft Corporation",
  "onnxruntime-common": "Copyright (c) Microsoft Corporation",
  "@nodable/entities": "Copyright (c) Amit Gupta",
  "@tensorflow/tfjs-layers": "Copyright (c) 2015 François Chollet and the contributors to Keras",
  seedrandom: "Copyright 2019 David Bau",
};

interface Package {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly home: string;
  /** The text that has to travel with it. */
  readonly text: string;
}

/** The whole document. The same on every platform: packages for one platform are named without it. */
export async function thirdPartyNotices(): Promise<string> {
  const manifest = readJson(join(ROOT, "package.json"));
  const packages = (await bundledPackages(Object.keys(manifest.dependencies))).map(readPackage);
  const rows = packages.map(
    ({ name, version, licence, home }) => `| [${name}](${home}) | ${version} | ${licence} |`,
  );
  const texts = Map.groupBy(packages, (item) => item.text);
  const sections = [...texts].map(
    ([text, users]) => `### ${users.map((item) => item.name).join(", ")}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
  const copyleft = ["LGPL-2.0", "LGPL-2.1", "LGPL-3.0", "GPL-3.0", "MPL-1.1"].map(
    (name) => `### ${name}\n\n\`\`\`text\n${licenceText(name)}\n\`\`\`\n`,
  );
  return `# Third-party notices

The Vigía executable holds the works below. Vigía's own code is under the licence in \`LICENSE\`.
This file is written by \`bun src/build/notices.ts\`.

## Packages

| Package | Version | Licence |
|---|---|---|
${rows.join("\n")}

**onnxruntime** holds libraries of others: see
<https://github.com/microsoft/onnxruntime/blob/v${versionOf("onnxruntime-node")}/ThirdPartyNotices.txt>.
**@tensorflow/tfjs-backend-wasm** holds [XNNPACK](https://github.com/google/XNNPACK) (BSD 3-Clause) and parts of
[Emscripten](https://github.com/emscripten-core/emscripten) (MIT).

## libvips and its libraries

The picture library is a shared library of its own. On first use it is written to a folder named
\`sharp-…\` in the user's cache, from where it is loaded; it can be exchanged for another build by building Vigía with
that build in \`node_modules/@img/\`. Its sources and build scripts:
<https://github.com/lovell/sharp-libvips/tree/v${versionOf(vipsPackage())}>.

${vipsLicences()}

## Bun ${manifest.devDependencies.bun}

The executable holds the [Bun](https://github.com/oven-sh/bun) runtime, which is under the MIT licence:

\`\`\`text
Copyright (c) Oven (oven.sh) and Bun contributors

${licenceText("MIT")}
\`\`\`

Bun holds JavaScriptCore and parts of WebKit (LGPL 2.0) and tinycc (LGPL 2.1), statically linked. The sources are at
<https://github.com/oven-sh/webkit> and <https://github.com/oven-sh/tinycc>. Whoever wants to run Vigía on a changed
JavaScriptCore can build Bun with it, as <https://github.com/oven-sh/bun/blob/main/LICENSE.md> tells, and then build
Vigía with that Bun: \`bun src/build/build.ts\`. The same page lists the licences of Bun's other libraries, among them
BoringSSL, brotli, c-ares, ICU, libarchive, libdeflate, libjpeg-turbo, libspng, libwebp, lol-html, lsquic, mimalloc,
SQLite, simdutf, uSockets, uWebSockets, zlib-ng and zstd.

## ffmpeg

The executable holds no ffmpeg unless it was built with \`--with-ffmpeg FILE\`. The licence of that file (LGPL or GPL,
by how it was built: \`ffmpeg -L\` tells) then holds for the executable too.

## Texts of the packages' licences

${sections.join("\n")}
## Texts of the other licences

${copyleft.join("\n")}`;
}

/** Names of the packages that a bundle of these ones has code or files of. */
async function bundledPackages(names: readonly string[]): Promise<string[]> {
  const entry = join(ROOT, "dependencies.ts");
  const { success, logs, metafile } = await Bun.build({
    throw: false,
    entrypoints: [entry],
    files: { [entry]: names.map((name, i) => `export * as p${i} from ${JSON.stringify(name)};`).join("\n") },
    target: "bun",
    metafile: true,
    plugins: [nativeFiles({ root: ROOT, target: parseTarget() })],
  });
  if (!success || metafile === undefined)
    throw new AppError("bug", `cannot list packages: ${logs.join("\n")}`);
  const found = Object.keys(metafile.inputs).flatMap((path) => {
    const name = /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)?.[1];
    return name === undefined ? [] : [name.replace("\\", "/")];
  });
  return [...new Set(found)].sort();
}

function readPackage(folder: string): Package {
  const { name, version, license, homepage, repository } = readJson(packagePath(folder, "package.json"));
  const source = typeof repository === "string" ? `https://github.com/${repository}` : repository?.url;
  const home = String(homepage ?? source)
    .replace(/^git(\+https)?:/, "https:")
    .replace(/\.git$/, "");
  const plainName = String(name).replace(/^(@img\/sharp(-libvips)?)-.*/, "$1-PLATFORM");
  return { name: plainName, version, licence: license, home, text: textOf(folder, license) };
}

function textOf(name: string, licence: string): string {
  const file = readdirSync(packagePath(name)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  if (file !== undefined) return readFileSync(packagePath(name, file), "utf8").trim();
  const texts = licence.split(" AND ").map((part) => {
    const holder = MIT_HOLDERS[name];
    if (part === "MIT" && holder !== undefined) return `${holder}\n\n${licenceText("MIT")}`;
    if (part === "Apache-2.0") return licenceText("Apache-2.0");
    if (part === "LGPL-3.0-or-later") return "GNU Lesser General Public License 3.0 or later: see below.";
    throw new AppError(
      "bug",
      `${name} (${part}) comes without a licence text: add one to src/build/notices.ts`,
    );
  });
  return texts.join("\n\n");
}

/** The table in which sharp's packagers list what libvips was built with. */
function vipsLicences(): string {
  const readme = readFileSync(packagePath(vipsPackage(), "README.md"), "utf8");
  return readme
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .join("\n");
}

function vipsPackage(): string {
  const name = readdirSync(packagePath("@img")).find((entry) => entry.startsWith("sharp-libvips-"));
  if (name === undefined) throw new AppError("unavailable", "libvips is not installed: run npm install");
  return `@img/${name}`;
}

function versionOf(name: string): string {
  return readJson(packagePath(name, "package.json")).version;
}

function packagePath(name: string, ...rest: string[]): string {
  return join(ROOT, "node_modules", name, ...rest);
}

function licenceText(name: string): string {
  return readFileSync(join(import.meta.dir, "licences", `${name}.txt`), "utf8").trimEnd();
}

/** A package.json: text from npm, of which only well-known fields are used. */
function readJson(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}

if (import.meta.main) writeFileSync(NOTICES_PATH, await thirdPartyNotices());
