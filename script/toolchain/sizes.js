#!/usr/bin/env node
// Prints the runtime size of every contract of contracts/ and fails above the limit.
"use strict";

const fs = require("fs");
const path = require("path");

const limit = Number(process.argv[2]);
const sizes = new Map();

/** Every compiled artifact below a folder, but for what the profile of the tests compiled. */
function* artifacts(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "build-info") yield* artifacts(file);
    else if (/^[^.]+\.json$/.test(entry.name)) yield JSON.parse(fs.readFileSync(file, "utf8"));
  }
}

/** Where the source of an artifact stands: `contracts/jobs/JobManager.sol`. */
function origin(artifact) {
  const targets = artifact.metadata?.settings?.compilationTarget ?? {};
  return Object.entries(targets)[0] ?? [undefined, undefined];
}

for (const artifact of artifacts("out")) {
  const [source, name] = origin(artifact);
  // Where both profiles compile a contract, forge names the artifacts by the order of their builds.
  if (artifact.metadata?.settings?.optimizer?.enabled === false) continue;
  const code = artifact.deployedBytecode?.object ?? "0x";
  const bytes = (code.length - 2) / 2;
  // Internal libraries compile to a stub that nobody deploys.
  if (source?.startsWith("contracts/") && fs.existsSync(source) && bytes > 100) {
    sizes.set(name, Math.max(bytes, sizes.get(name) ?? 0));
  }
}

let tooLarge = 0;
for (const [name, bytes] of [...sizes].sort((a, b) => b[1] - a[1])) {
  const verdict = bytes > limit ? `  over ${limit}` : "";
  if (verdict) tooLarge += 1;
  process.stdout.write(`${String(bytes).padStart(7)} bytes  ${name}${verdict}\n`);
}
if (sizes.size === 0) {
  process.stderr.write("sizes: out/ holds no contract of contracts/; build first\n");
  process.exit(1);
}
process.exit(tooLarge > 0 ? 1 : 0);
