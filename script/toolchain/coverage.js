#!/usr/bin/env node
// Prints line and branch coverage of contracts/ from an lcov file and fails below the floors.
// Usage: coverage.js <lcov file> <floor of lines, percent> <floor of branches, percent>
"use strict";

const fs = require("fs");

const [report, lineFloor, branchFloor] = process.argv.slice(2);
const files = [];
for (const row of fs.readFileSync(report, "utf8").split("\n")) {
  const at = row.indexOf(":");
  const [key, value] = [row.slice(0, at), row.slice(at + 1)];
  if (key === "SF") files.push({ name: value, LF: 0, LH: 0, BRF: 0, BRH: 0 });
  else if (files.length > 0 && key in files[files.length - 1]) {
    files[files.length - 1][key] = Number(value);
  }
}

/** Percentage, where nothing to cover counts as covered. */
const percent = (hit, found) => (found === 0 ? 100 : (100 * hit) / found);

/** One row of the table. */
function print(name, file) {
  const lines = percent(file.LH, file.LF).toFixed(2).padStart(7);
  const branches = percent(file.BRH, file.BRF).toFixed(2).padStart(7);
  const counts = `${file.LH}/${file.LF} lines, ${file.BRH}/${file.BRF} branches`;
  process.stdout.write(`${lines} % lines ${branches} % branches  ${name} (${counts})\n`);
}

const own = files.filter((file) => /(^|\/)contracts\//.test(file.name) && file.LF > 0)
  .filter((file) => !file.name.includes("node_modules"));
const total = { LF: 0, LH: 0, BRF: 0, BRH: 0 };
for (const file of own) {
  print(file.name, file);
  for (const key of Object.keys(total)) total[key] += file[key];
}
print("all of contracts/", total);
if (total.LF === 0) {
  process.stderr.write("coverage: nothing of contracts/ was measured\n");
  process.exit(1);
}
const enough = percent(total.LH, total.LF) >= Number(lineFloor) &&
  percent(total.BRH, total.BRF) >= Number(branchFloor);
if (!enough) {
  const floors = `${lineFloor} % of lines, ${branchFloor} % of branches`;
  process.stderr.write(`coverage: below the floors of ${floors}\n`);
}
process.exit(enough ? 0 : 1);
