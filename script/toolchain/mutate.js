#!/usr/bin/env node
// Plants one line of mutants.txt in a copy of the tree and prints the file it changed.
"use strict";

const fs = require("fs");
const path = require("path");

const [project, line] = process.argv.slice(2);
const parts = line.split(" | ").map((part) => part.trim());

/** Ends with the reason why the line cannot be planted. */
function refuse(reason) {
  process.stderr.write(`mutants.txt: ${reason}\n  ${line}\n`);
  process.exit(1);
}

if (parts.length !== 4) refuse("a line is `file | old | new | test file`");
const [name, before, after, test] = parts;
const file = path.join(project, name);
if (!fs.existsSync(file)) refuse(`${name} is not there`);
if (!fs.existsSync(path.join(project, test))) refuse(`${test} is not there`);
const text = fs.readFileSync(file, "utf8");
const found = text.split(before).length - 1;
if (found !== 1) refuse(`\`${before}\` stands ${found} times in ${name}, and must stand once`);
fs.writeFileSync(file, text.replace(before, () => after));
process.stdout.write(`${name}\n`);
